//! What memory comes from, and how often it was asked for where that is counted.

/// In two thirds of the instructions of the system's: a request through pingora allocates some eighty times.
/// Without huge pages, which would double what it takes when nobody is there.
#[cfg(not(any(test, feature = "count-allocations")))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The system's: how often memory is asked for does not depend on who gives it.
#[cfg(any(test, feature = "count-allocations"))]
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

/// Allocations of the whole process so far, one that grew counting again; `None` where they are not counted, since
/// counting costs each of them.
pub fn allocations() -> Option<u64> {
    #[cfg(any(test, feature = "count-allocations"))]
    {
        let stats = stats_alloc::INSTRUMENTED_SYSTEM.stats();
        u64::try_from(stats.allocations + stats.reallocations).ok()
    }
    #[cfg(not(any(test, feature = "count-allocations")))]
    None
}
