//! The power fails at any moment of an enrolment. Afterwards the key is registered and works, or it is not
//! listed and the one-time code is as good as before; and what the carer was told is true.

use std::time::{Duration, Instant};

use sluse::authn::authenticator::SoftwareAuthenticator;
use sluse::random::{self, SeededRandom, SystemRandom};

use crate::broker::{NEZ, Person as Account};
use crate::harness::{Gateway, Installation};
use crate::origin::Origin;
use crate::person::{Page, Person};

const PASSWORD: &str = "en lang og god sætning";

/// One power cut each, ten times as many as people: nobody may have more than 20 keys.
const ROUNDS: u32 = 200;
const NAMES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

#[tokio::test]
async fn at_no_moment_is_a_key_half_registered() {
    let random = SeededRandom::new(2);
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    let accounts = NAMES.map(|user| Account { user, cpr: None, ..NEZ });
    for account in &accounts {
        installation.enrol(account, PASSWORD);
    }
    let mut gateway = installation.serve().await;
    let mut typical = Duration::from_millis(100);
    let (mut lost, mut untold, mut told_of) = (0, 0, 0);
    for account in accounts {
        let mut carer = Carer::new(&installation, account).await;
        for round in 0..ROUNDS / 10 {
            // From before the first byte until after the last, and now and then well after it.
            let moment = typical.mul_f64(f64::from(u16::from_le_bytes(random::bytes(&random))) / 50_000.0);
            let name = format!("Nøgle {round}");
            let started = Instant::now();
            let (told, ()) = tokio::join!(carer.add_key(&name), cut_power(gateway, moment));
            if told {
                typical = started.elapsed().min(4 * typical).max(typical / 4);
            }
            gateway = installation.serve().await;
            let listed = carer.sees(&name).await;
            assert!(listed || !told, "{} was told that {name} is registered; it is not", account.user);
            match (listed, told) {
                (false, _) => lost += 1,
                (true, false) => untold += 1,
                (true, true) => told_of += 1,
            }
            if listed {
                assert!(carer.code_is_spent().await, "{name} is registered and its code is good for another");
                carer.gets_in().await;
                carer.code = installation.invite(&account);
            } else {
                assert!(!carer.code_is_spent().await, "{name} is not registered and its code is spent");
            }
        }
    }
    println!("{lost} keys were lost, {untold} registered and nobody told, {told_of} registered and told");
    assert!(lost > 0 && told_of > 0, "every cut came too late, or every one too early");
}

/// At its moment, however busy the test is.
async fn cut_power(gateway: Gateway, after: Duration) {
    let cut = std::thread::spawn(move || {
        std::thread::sleep(after);
        gateway.kill();
    });
    tokio::task::spawn_blocking(move || cut.join()).await.expect("it joins").expect("it kills");
}

struct Carer<'a> {
    installation: &'a Installation,
    account: Account,
    /// Signed in with the password alone: a second factor would do without the code.
    person: Person,
    code: String,
    page: Page,
}

impl<'a> Carer<'a> {
    async fn new(installation: &'a Installation, account: Account) -> Self {
        let mut person = Person::at(installation);
        let page = person.open(&installation.login("/login")).await;
        let page = person.log_in(&page, account.user, PASSWORD).await;
        Self { installation, account, person, code: installation.invite(&account), page }
    }

    /// The code, the name, the touch of a new key. Whether they were told that it is registered.
    async fn add_key(&mut self, name: &str) -> bool {
        self.person.key = SoftwareAuthenticator::new(&SystemRandom);
        self.try_add_key(name).await.is_some()
    }

    async fn try_add_key(&mut self, name: &str) -> Option<()> {
        let code = self.code.clone();
        self.post("/code", &[("code", &code)]).await?;
        let page = self.post("/keys/new", &[("name", name)]).await?;
        let origin = self.installation.login("");
        let response = self.person.key.register(&page.options(), &origin).expect("the key goes along");
        let reply = self.person.post_response_if_alive(&page, "/keys/finish", &response).await?;
        assert_eq!(reply.status, 200, "{reply:?}");
        Some(())
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Option<Page> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let url = self.installation.login(path);
        let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "text/html")];
        let reply = self.person.post_if_alive(&url, &headers, &body).await?;
        assert!(matches!(reply.status, 200 | 303), "{reply:?}");
        Some(Page { url, reply })
    }

    /// Whether *Min identitet* lists a key of this name.
    async fn sees(&mut self, name: &str) -> bool {
        let page = self.person.open(&self.installation.login("/me")).await;
        assert_eq!(page.heading(), "Min identitet");
        page.reply.text().contains(&format!(">{name}<"))
    }

    async fn code_is_spent(&mut self) -> bool {
        let code = self.code.clone();
        let page = self.person.submit(&self.page, "/code", &[("code", &code)]).await;
        match page.reply.status {
            200 => false,
            422 => true,
            _ => panic!("{page:?}"),
        }
    }

    /// With the password and the new key, in a browser that knows nothing.
    async fn gets_in(&mut self) {
        let mut fresh = Person::at(self.installation);
        std::mem::swap(&mut fresh.key, &mut self.person.key);
        let page = fresh.open(&self.installation.cura("/")).await;
        let page = fresh.log_in(&page, self.account.user, PASSWORD).await;
        let page = fresh.touch(&page).await;
        assert_eq!((page.url, page.reply.status), (self.installation.cura("/"), 200));
    }
}
