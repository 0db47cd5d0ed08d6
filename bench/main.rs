//! What the parts of a request cost: `cargo bench`, or `cargo bench -- decide` for one of them.

mod assertion;
mod canonicalise;
mod decide;
mod heads;
mod load;
mod policies;
mod session;
mod sessions;

fn main() {
    let mut criterion = criterion::Criterion::default().configure_from_args();
    decide::bench(&mut criterion);
    session::bench(&mut criterion);
    canonicalise::bench(&mut criterion);
    assertion::bench(&mut criterion);
    load::bench(&mut criterion);
    criterion.final_summary();
}
