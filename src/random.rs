//! Randomness, always injected.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A source of unpredictable bytes.
pub trait Random: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        use rand::TryRng as _;
        // Without randomness no token is safe: better no process than a guessable one.
        rand::rngs::SysRng.try_fill_bytes(bytes).expect("the operating system's generator answers");
    }
}

/// A generator that gives the same bytes for the same seed: for tests.
pub struct SeededRandom(std::sync::Mutex<rand::rngs::StdRng>);

impl SeededRandom {
    pub fn new(seed: u64) -> Self {
        use rand::SeedableRng as _;
        Self(std::sync::Mutex::new(rand::rngs::StdRng::seed_from_u64(seed)))
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        use rand::Rng as _;
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fill_bytes(bytes);
    }
}

/// `N` random bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// A random version 4 UUID (RFC 9562, section 5.4).
pub fn uuid(random: &dyn Random) -> uuid::Uuid {
    uuid::Builder::from_random_bytes(bytes(random)).into_uuid()
}

/// 256 random bits in base64url: 43 characters.
pub fn nonce(random: &dyn Random) -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>(random))
}
