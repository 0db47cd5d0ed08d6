use super::*;
use crate::random::SeededRandom;

fn secret(typed: &str) -> Secret<String> {
    Secret::new(typed.to_owned())
}

fn cheap() -> Passwords {
    Passwords::new(Cost::danger_cheap())
}

async fn hashed(passwords: &Passwords, typed: &str) -> String {
    passwords.hash(&secret(typed), &SeededRandom::new(7)).await.unwrap()
}

const RIGHT: Verdict = Verdict::Right { rehash: false };

#[tokio::test]
async fn a_password_counts_exactly_as_typed() {
    let passwords = cheap();
    let phc = hashed(&passwords, "Kode ord\0 æ ").await;
    assert_eq!(passwords.verify(Some(&phc), &secret("Kode ord\0 æ ")).await, Ok(RIGHT));
    for typed in
        ["kode ord\0 æ ", "Kode ord\0 æ", "Kode ord", "Kode ord\0 æ  ", " Kode ord\0 æ ", "Kode ord\0", ""]
    {
        assert_eq!(passwords.verify(Some(&phc), &secret(typed)).await, Ok(Verdict::Wrong), "{typed:?}");
    }
}

#[tokio::test]
async fn every_keyboards_form_is_one() {
    let passwords = cheap();
    let phc = hashed(&passwords, "Ame\u{301}lie ﬁn").await;
    assert_eq!(passwords.verify(Some(&phc), &secret("Am\u{e9}lie fin")).await, Ok(RIGHT));
}

#[tokio::test]
async fn nothing_is_cut_off() {
    let passwords = cheap();
    let longest = "x".repeat(MAX_BYTES);
    let phc = hashed(&passwords, &longest).await;
    assert_eq!(passwords.verify(Some(&phc), &secret(&longest)).await, Ok(RIGHT));
    assert_eq!(passwords.verify(Some(&phc), &secret(&longest[1..])).await, Ok(Verdict::Wrong));
    for too_long in [format!("{longest}y"), "x".repeat(2_000_000)] {
        assert_eq!(passwords.verify(Some(&phc), &secret(&too_long)).await, Ok(Verdict::Wrong));
    }
}

#[tokio::test]
async fn too_long_never_equals_the_empty_one_it_is_computed_as() {
    let passwords = cheap();
    let phc = hashed(&passwords, "").await;
    assert_eq!(passwords.verify(Some(&phc), &secret(&"x".repeat(MAX_BYTES + 1))).await, Ok(Verdict::Wrong));
}

#[tokio::test]
async fn every_answer_costs_one_hash() {
    let passwords = cheap();
    let phc = hashed(&passwords, "rigtigt").await;
    let long = "x".repeat(MAX_BYTES + 1);
    for (phc, typed) in [
        (Some(phc.as_str()), "rigtigt"),
        (Some(phc.as_str()), "forkert"),
        (Some(phc.as_str()), long.as_str()),
        (None, "rigtigt"),
        (None, long.as_str()),
        (Some("no PHC string"), "rigtigt"),
        (Some("$2b$10$abcdefghijklmnopqrstuv"), "rigtigt"),
        (Some("$argon2id$v=19$m=8,t=1,p=1"), "rigtigt"),
    ] {
        let before = passwords.computed();
        let verdict = passwords.verify(phc, &secret(typed)).await.unwrap();
        assert_eq!(passwords.computed(), before + 1, "{phc:?}");
        let right = typed == "rigtigt" && phc.is_some_and(|phc| phc.len() > 50);
        assert_eq!(verdict == RIGHT, right, "{phc:?}");
    }
}

#[tokio::test]
async fn the_dummy_costs_what_a_new_hash_does() {
    let passwords = Passwords::new(Cost::default());
    let phc = hashed(&passwords, "rigtigt").await;
    assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
    let dummy = Hash::dummy(&passwords.0.cost);
    let real = Hash::decode(&phc).unwrap();
    assert_eq!(dummy.params, real.params);
    assert_eq!((dummy.algorithm, dummy.version), (real.algorithm, real.version));
    assert_eq!(passwords.verify(Some(&phc), &secret("rigtigt")).await, Ok(RIGHT));
}

/// RFC 9106 has no vector without a secret; this one is the reference implementation's (phc-winner-argon2,
/// test.c): `password`, `somesalt`, m = 65536, t = 2, p = 1.
#[tokio::test]
async fn the_reference_implementations_hash_is_read() {
    let phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let passwords = cheap();
    assert_eq!(passwords.verify(Some(phc), &secret("password")).await, Ok(RIGHT));
    assert_eq!(passwords.verify(Some(phc), &secret("Password")).await, Ok(Verdict::Wrong));
}

#[tokio::test]
async fn a_weaker_hash_is_to_be_renewed() {
    let stronger = |m, t| Passwords::new(Cost(Params::new(m, t, 1, Some(32)).unwrap()));
    let phc = hashed(&cheap(), "rigtigt").await;
    for passwords in [stronger(16, 1), stronger(8, 2)] {
        let verdict = passwords.verify(Some(&phc), &secret("rigtigt")).await;
        assert_eq!(verdict, Ok(Verdict::Right { rehash: true }));
        assert_eq!(passwords.verify(Some(&phc), &secret("forkert")).await, Ok(Verdict::Wrong));
        let renewed = hashed(&passwords, "rigtigt").await;
        assert_eq!(passwords.verify(Some(&renewed), &secret("rigtigt")).await, Ok(RIGHT));
        assert_eq!(cheap().verify(Some(&renewed), &secret("rigtigt")).await, Ok(RIGHT), "stronger is fine");
    }
}

#[tokio::test]
async fn salts_differ() {
    let (passwords, random) = (cheap(), SeededRandom::new(1));
    let first = passwords.hash(&secret("samme"), &random).await.unwrap();
    assert_ne!(first, passwords.hash(&secret("samme"), &random).await.unwrap());
}

#[tokio::test]
async fn newcomers_are_turned_away_when_the_queue_is_full() {
    let passwords = cheap();
    let phc = hashed(&passwords, "rigtigt").await;
    let threads = passwords.0.threads.available_permits();
    let busy = passwords.0.threads.acquire_many(u32::try_from(threads).unwrap()).await.unwrap();
    let places = passwords.0.places.available_permits();
    assert_eq!(places, threads + WAITING);
    let waiting: Vec<_> = (0..places)
        .map(|_| {
            let (passwords, phc) = (passwords.clone(), phc.clone());
            tokio::spawn(async move { passwords.verify(Some(&phc), &secret("rigtigt")).await })
        })
        .collect();
    while passwords.0.places.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(passwords.verify(Some(&phc), &secret("rigtigt")).await, Err(Overloaded));
    assert_eq!(passwords.verify(None, &secret("rigtigt")).await, Err(Overloaded));

    // Whoever leaves frees a place at once.
    let mut waiting = waiting.into_iter();
    let leaver = waiting.next().unwrap();
    leaver.abort();
    assert!(leaver.await.unwrap_err().is_cancelled());
    assert_eq!(passwords.0.places.available_permits(), 1);

    drop(busy);
    for verification in waiting {
        assert_eq!(verification.await.unwrap(), Ok(RIGHT));
    }
    assert_eq!(passwords.0.places.available_permits(), places);
}

#[tokio::test]
async fn hashes_are_computed_on_threads_that_give_way() {
    let passwords = cheap();
    let phc = hashed(&passwords, "rigtigt").await;
    assert_eq!(passwords.verify(Some(&phc), &secret("rigtigt")).await, Ok(RIGHT));
    // proc_pid_comm(5), proc_pid_stat(5): the nice value is the 19th field, and this name has no blank.
    let said = |task: &std::path::Path, file| std::fs::read_to_string(task.join(file)).unwrap_or_default();
    let nice = |task: &std::path::Path| said(task, "stat").split(' ').nth(18)?.parse::<i32>().ok();
    let hashers: Vec<_> = std::fs::read_dir("/proc/self/task")
        .unwrap()
        .map(|task| task.unwrap().path())
        .filter(|task| said(task, "comm").trim() == "sluse-hash")
        .collect();
    let usual = rustix::process::getpriority_process(None).unwrap();
    let behind = Some((usual + hashers::NICE).min(19));
    assert!(hashers.iter().any(|task| nice(task) == behind), "those who are inside go first");
}
