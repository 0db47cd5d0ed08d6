//! What the parts of a request cost in instructions: `instructions.sh` runs this under callgrind, which counts
//! inside the functions of [`counted`] and nowhere else.

mod heads;
mod policies;
mod sessions;

use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::Method;
use pingora::http::RequestHeader;
use sluse::arrival::Public;
use sluse::assertion::AssertionKey;
use sluse::authn::Assurance;
use sluse::authn::webauthn::Algorithm;
use sluse::cli::bench::Pool;
use sluse::policy::{App, Decision, Permit, Person, Policy, decide};
use sluse::proxy::direct::answer::Asker;
use sluse::random::SeededRandom;
use sluse::secret::Secret;
use sluse::session::Session;
use sluse::session::cookie::{self, SessionToken};
use tokio::runtime::{Builder, Runtime};

use self::sessions::House;

/// What is looked at, made once.
struct World {
    cura: Arc<App>,
    ten_rules: Arc<App>,
    thousand_rules: Arc<App>,
    one_host: Policy,
    thousand_hosts: Policy,
    hosts: Vec<String>,
    groups: [String; 1],
    assurance: Assurance,
    token_key: Secret<[u8; 32]>,
    cookies: Vec<String>,
    house: House,
    sent: Bytes,
    asker: Asker,
    head: RequestHeader,
    public: Public,
    assertion: AssertionKey,
    permit: Permit,
    session: Arc<Session>,
    es256: Pool,
    rs256: Pool,
}

impl World {
    fn new(runtime: &Runtime) -> Self {
        use policies::{NOW, cura, load, many_apps, one_app, proven, request};
        let app = |source| load(&[source]).apps()[0].clone();
        let random = SeededRandom::new(1);
        let token_key = Secret::new([7; 32]);
        let cookie = |_| {
            let token = SessionToken::new(&random, &token_key, heads::HOST);
            format!("theme=dark; {}={}", cookie::SESSION, token.value())
        };
        let pool = |algorithm| Pool::new(algorithm, 2, &random).expect("the software authenticator answers");
        let groups = ["care-staff".to_owned()];
        let assurance = proven();
        let cura = app(cura());
        let carer = Person { username: "nez", groups: &groups, claims: &[], assurance: &assurance };
        let Decision::Allow(permit) = decide(&cura, &request("GET", heads::PLAIN), Some(&carer), NOW) else {
            panic!("the carer is let in");
        };
        let house = runtime.block_on(House::with(TIMES));
        let session = found(&house, &house.cookies[0]);
        Self {
            cura,
            ten_rules: app(one_app(10)),
            thousand_rules: app(one_app(1_000)),
            one_host: load(&many_apps(1)),
            thousand_hosts: load(&many_apps(1_000)),
            hosts: (0..1_000).map(|n| format!("app-{n}.kommune.example")).collect(),
            groups,
            assurance,
            cookies: (0..TIMES).map(cookie).collect(),
            token_key,
            house,
            sent: heads::sent(),
            asker: Asker { method: Method::GET, kept: true, private: false },
            head: heads::browser(),
            public: Public {
                scheme: "https",
                port: String::new(),
                login_host: "login.kommune.example".to_owned(),
                redirect_ports: Vec::new(),
            },
            assertion: AssertionKey::derive(
                &Secret::new([8; 32]),
                "https://login.kommune.example".to_owned(),
            ),
            permit,
            session,
            es256: pool(Algorithm::Es256),
            rs256: pool(Algorithm::Rs256),
        }
    }

    fn carer(&self) -> Person<'_> {
        Person { username: "nez", groups: &self.groups, claims: &[], assurance: &self.assurance }
    }
}

/// The live session of a Cookie header.
#[inline(always)]
fn found(house: &House, header: &str) -> Arc<Session> {
    let value = cookie::read(std::iter::once(header.as_bytes()), cookie::SESSION).expect("it is there");
    let found = house.sessions.find(value, heads::HOST).now_or_never().expect("memory answers at once");
    found.expect("no store is asked").expect("it is live")
}

/// How often each does what it is named after: `instructions.sh` divides by it.
const TIMES: usize = 100;

mod parts {
    use std::hint::black_box;

    use sluse::policy::path::{CanonicalPath, PathRules};
    use sluse::policy::{App, Policy, decide};
    use sluse::proxy::forward::Forwarded;
    use sluse::proxy::{direct, request};
    use sluse::session::cookie::{self, SessionToken};

    use super::policies::{NOW, request};
    use super::{Pool, TIMES, World, heads};

    #[inline(never)]
    pub fn decide_cura(world: &World) {
        last_of(world, &world.cura);
    }

    #[inline(never)]
    pub fn decide_last_of_10_rules(world: &World) {
        last_of(world, &world.ten_rules);
    }

    #[inline(never)]
    pub fn decide_last_of_1000_rules(world: &World) {
        last_of(world, &world.thousand_rules);
    }

    #[inline(always)]
    fn last_of(world: &World, app: &std::sync::Arc<App>) {
        let carer = world.carer();
        for _ in 0..TIMES {
            black_box(decide(app, black_box(&request("GET", "/citizens/4711/journal")), Some(&carer), NOW));
        }
    }

    #[inline(never)]
    pub fn find_app_and_decide_1_host(world: &World) {
        at_hosts(&world.one_host, &world.hosts[..1]);
    }

    #[inline(never)]
    pub fn find_app_and_decide_1000_hosts(world: &World) {
        at_hosts(&world.thousand_hosts, &world.hosts);
    }

    #[inline(always)]
    fn at_hosts(policy: &Policy, hosts: &[String]) {
        for host in hosts.iter().cycle().take(TIMES) {
            let app = policy.app(black_box(host)).expect("the host is an app's");
            black_box(decide(app, black_box(&request("GET", "/part-7/a/b")), None, NOW));
        }
    }

    #[inline(never)]
    pub fn cookie_to_token(world: &World) {
        for line in world.cookies.iter().cycle().take(TIMES) {
            let value = cookie::read(std::iter::once(line.as_bytes()), cookie::SESSION).expect("it is there");
            let token = SessionToken::parse(value, &world.token_key, heads::HOST).expect("it is ours");
            black_box(token.hash());
        }
    }

    #[inline(never)]
    pub fn cookie_to_session(world: &World) {
        for line in world.house.cookies.iter().cycle().take(TIMES) {
            black_box(super::found(&world.house, black_box(line)));
        }
    }

    #[inline(never)]
    pub fn head_read(world: &World) {
        for _ in 0..TIMES {
            black_box(direct::head::read(black_box(&world.sent))).expect("it can be read in one way");
        }
    }

    #[inline(never)]
    pub fn answer_passed(world: &World) {
        let mut told = Vec::with_capacity(4096);
        for _ in 0..TIMES {
            let answer = direct::answer::pass(black_box(heads::ANSWER.as_bytes()), &world.asker, &mut told);
            black_box(answer.expect("it is one").expect("it is whole"));
            black_box(&mut told).clear();
        }
    }

    #[inline(never)]
    pub fn head_forwarded(world: &World) {
        for _ in 0..TIMES {
            let forwarded = Forwarded {
                host: heads::HOST,
                public: &world.public,
                from: Some("10.20.30.40"),
                path: heads::PLAIN,
                query: Some("tab=medication"),
                assertion: &world.assertion,
                now: NOW,
                permit: &world.permit,
                session: Some(&world.session),
            };
            let asked = black_box(&world.head).as_owned_parts();
            black_box(forwarded.write(asked)).expect("it can be said");
        }
    }

    #[inline(never)]
    pub fn path_plain(_: &World) {
        paths(heads::PLAIN);
    }

    #[inline(never)]
    pub fn path_encoded(_: &World) {
        paths(heads::ENCODED);
    }

    #[inline(always)]
    fn paths(path: &str) {
        for _ in 0..TIMES {
            black_box(CanonicalPath::parse(black_box(path).as_bytes(), PathRules::default()))
                .expect("the path is let through");
        }
    }

    #[inline(never)]
    pub fn head(world: &World) {
        for _ in 0..TIMES {
            black_box(request::read(black_box(&world.head))).expect("the head is let through");
        }
    }

    #[inline(never)]
    pub fn assertion_es256(world: &World) {
        verify(&world.es256);
    }

    #[inline(never)]
    pub fn assertion_rs256(world: &World) {
        verify(&world.rs256);
    }

    #[inline(always)]
    fn verify(pool: &Pool) {
        for item in pool.items.iter().cycle().take(TIMES) {
            pool.verify(item).expect("it verifies");
        }
    }
}

/// Each part by a second name, in `counted`: callgrind goes by the name of what is entered, and what the first calls
/// take, which make what is only made once, is not to count.
macro_rules! counted {
    ($($part:ident)*) => {
        mod counted {
            $(#[inline(never)]
            pub fn $part(world: &super::World) {
                super::parts::$part(world);
            })*
        }

        const PARTS: &[[fn(&World); 2]] = &[$([parts::$part, counted::$part]),*];
    };
}

counted! {
    decide_cura decide_last_of_10_rules decide_last_of_1000_rules
    find_app_and_decide_1_host find_app_and_decide_1000_hosts
    cookie_to_token cookie_to_session
    path_plain path_encoded head head_read head_forwarded answer_passed
    assertion_es256 assertion_rs256
}

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let world = World::new(&runtime);
    for &[uncounted, counted] in PARTS {
        // Each in a thread of its own: the allocator keeps a heap for each, and what a call of it takes depends on what
        // else is in there. Every so many calls it tidies up, too, at the cost of whoever happens to ask then.
        thread::scope(|scope| {
            scope.spawn(|| {
                uncounted(&world);
                counted(&world);
            });
        });
    }
}
