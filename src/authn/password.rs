//! Passwords: Argon2id (RFC 9106), computed on threads of their own, fewer than there are cores.
//!
//! A password counts exactly as typed but for its Unicode form (NFKC, so that every keyboard's `é` is one):
//! nothing is cut off, folded or trimmed (ASVS 6.2.8). Every verification computes one hash, whether or not
//! there is a person, a password, or a chance that it is right.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;

use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Block, Params, PasswordHash, Version};
use tokio::sync::{Semaphore, oneshot};
use unicode_normalization::UnicodeNormalization as _;

use crate::random::{self, Random};
use crate::secret::Secret;

use self::hashers::Hashers;
pub use self::rules::{Rules, Unfit, Unfits};

mod hashers;
mod leaked;
mod rules;

/// The longest password, in bytes of UTF-8 as typed. A longer one is wrong, at the usual price.
pub const MAX_BYTES: usize = 1024;

/// How many may wait for a thread before newcomers are turned away.
const WAITING: usize = 64;

/// Computes hashes. Clones share the threads and the queue.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    cost: Cost,
    /// One permit a place: on a thread or waiting for one.
    places: Arc<Semaphore>,
    threads: Arc<Semaphore>,
    hashers: Hashers,
    computed: AtomicU64,
}

/// What one hash costs.
#[derive(Clone, Debug)]
pub struct Cost(Params);

/// What became of a password.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// With `rehash`, the stored hash is weaker than today's: hash the password anew.
    Right {
        rehash: bool,
    },
    Wrong,
}

/// Too many passwords at once; try again later.
#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("too many passwords to verify at once")]
pub struct Overloaded;

impl Default for Cost {
    /// 19 MiB, two passes, one lane: the least OWASP recommends (Password Storage Cheat Sheet).
    fn default() -> Self {
        Self(Params::new(19_456, 2, 1, Some(Params::DEFAULT_OUTPUT_LEN)).expect("constants within bounds"))
    }
}

impl Cost {
    /// As good as none: for tests alone.
    pub fn danger_cheap() -> Self {
        Self(Params::new(8, 1, 1, Some(Params::DEFAULT_OUTPUT_LEN)).expect("constants within bounds"))
    }

    fn exceeds(&self, stored: &Hash) -> bool {
        let Self(wanted) = self;
        stored.algorithm != Algorithm::Argon2id
            || stored.version != Version::V0x13
            || stored.params.m_cost() < wanted.m_cost()
            || stored.params.t_cost() < wanted.t_cost()
            || stored.params.p_cost() < wanted.p_cost()
            || stored.params.output_len() < wanted.output_len()
    }
}

impl Passwords {
    pub fn new(cost: Cost) -> Self {
        // Whoever is inside has a core, however many come to log in.
        let threads = available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1);
        Self(Arc::new(Inner {
            cost,
            places: Arc::new(Semaphore::new(threads + WAITING)),
            threads: Arc::new(Semaphore::new(threads)),
            hashers: Hashers::start(threads),
            computed: AtomicU64::new(0),
        }))
    }

    /// Whether `typed` is the password whose PHC string is `phc`. Without one, or with one that cannot be
    /// read, the same work is done and the answer is [`Verdict::Wrong`].
    pub async fn verify(&self, phc: Option<&str>, typed: &Secret<String>) -> Result<Verdict, Overloaded> {
        let stored = phc.and_then(Hash::decode);
        let possible = stored.is_some() && typed.expose().len() <= MAX_BYTES;
        let against = stored.unwrap_or_else(|| Hash::dummy(&self.0.cost));
        let rehash = self.0.cost.exceeds(&against);
        let computed = self.compute(typed, against.clone()).await?;
        // `Output` compares in constant time.
        let equal = computed == against.output;
        Ok(if possible && equal { Verdict::Right { rehash } } else { Verdict::Wrong })
    }

    /// The PHC string to store. Whether the password is fit to be one is for [`Rules`] to say, before.
    pub async fn hash(&self, typed: &Secret<String>, random: &dyn Random) -> Result<String, Overloaded> {
        let salt = Salt::new(&random::bytes::<16>(random)).expect("16 bytes are a salt's recommended length");
        let empty = Hash { salt, ..Hash::dummy(&self.0.cost) };
        let output = self.compute(typed, empty.clone()).await?;
        Ok(Hash { output, ..empty }.encode().to_string())
    }

    /// How many hashes have been computed.
    pub fn computed(&self) -> u64 {
        self.0.computed.load(Ordering::Relaxed)
    }

    async fn compute(&self, typed: &Secret<String>, hash: Hash) -> Result<Output, Overloaded> {
        let place = Arc::clone(&self.0.places).try_acquire_owned().map_err(|_| Overloaded)?;
        let thread = Arc::clone(&self.0.threads).acquire_owned().await.map_err(|_| Overloaded)?;
        // Argon2's work does not depend on the length; reading and normalising a megabyte would.
        let typed = typed.expose();
        let password: String = if typed.len() <= MAX_BYTES { typed.nfkc().collect() } else { String::new() };
        let (inner, (answer, answered)) = (Arc::clone(&self.0), oneshot::channel());
        self.0.hashers.run(move |memory| {
            let output = hash.compute(password.as_bytes(), memory);
            inner.computed.fetch_add(1, Ordering::Relaxed);
            // Held until the work is done, even if the caller has left.
            drop((place, thread));
            let _ = answer.send(output);
        });
        // It fails only if the threads could not be started: nobody is to be let in then.
        answered.await.map_err(|_| Overloaded)
    }
}

/// A PHC string, read.
#[derive(Clone)]
struct Hash {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Salt,
    output: Output,
}

impl Hash {
    /// The hash of `password` with these parameters and this salt.
    fn compute(&self, password: &[u8], memory: &mut Vec<Block>) -> Output {
        if memory.len() < self.params.block_count() {
            memory.resize(self.params.block_count(), Block::default());
        }
        let mut buffer = [0; Output::MAX_LENGTH];
        let output = &mut buffer[..self.output.len()];
        Argon2::new(self.algorithm, self.version, self.params.clone())
            .hash_password_into_with_memory(password, &self.salt, output, memory)
            .expect("the lengths were checked when the hash was read, and the memory is large enough");
        Output::new(output).expect("as long as one that was")
    }

    /// Stands in for the hash of whoever has none: of today's cost, and of no password, nobody finds one
    /// whose hash is all zeros.
    fn dummy(cost: &Cost) -> Self {
        let zeros = [0; Params::DEFAULT_OUTPUT_LEN];
        Self {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            params: cost.0.clone(),
            salt: Salt::new(&zeros[..16]).expect("16 bytes are a salt's recommended length"),
            output: Output::new(&zeros).expect("32 bytes are within bounds"),
        }
    }

    fn decode(phc: &str) -> Option<Self> {
        let hash = PasswordHash::new(phc).ok()?;
        Some(Self {
            algorithm: Algorithm::new(hash.algorithm).ok()?,
            // The format's rule: a string without a version is of the first.
            version: hash.version.map_or(Ok(Version::V0x10), Version::try_from).ok()?,
            params: Params::try_from(&hash).ok()?,
            salt: hash.salt?,
            output: hash.hash?,
        })
    }

    fn encode(&self) -> PasswordHash {
        PasswordHash {
            algorithm: self.algorithm.ident(),
            version: Some(self.version.into()),
            params: ParamsString::try_from(&self.params).expect("three numbers fit"),
            salt: Some(self.salt),
            hash: Some(self.output),
        }
    }
}

#[cfg(test)]
mod tests;
