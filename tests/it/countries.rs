//! One person in two countries, where a file says which country an address is in.

use std::net::Ipv4Addr;

use serde_json::json;

use crate::broker::NEZ;
use crate::harness::Installation;
use crate::in_process::InProcess;
use crate::origin::Origin;
use crate::person::Person;

const PASSWORD: &str = "en lang og god sætning";

#[tokio::test]
async fn one_person_in_two_countries_is_an_alarm() {
    let installation = Installation::new(&Origin::echo().await);
    let countries = [([198, 51, 100, 0], "DK"), ([203, 0, 113, 0], "SE")];
    let file = installation.path().join("countries.mmdb");
    std::fs::write(&file, database(&countries)).expect("the installation's folder is there");
    let setting =
        format!("audit: {{ geoip: {} }}\ntrusted_proxies: [127.0.0.1/32]\nmethods:\n", file.display());
    installation.change("sluse.yaml", "methods:\n", &setting);
    installation.enrol(&NEZ, PASSWORD);
    let _gateway = InProcess::serve(&installation).await;
    for (address, alarms) in [
        ("198.51.100.7", 0),
        ("10.20.3.7", 0),
        ("::ffff:198.51.100.9", 0),
        ("2001:db8::7", 0),
        ("203.0.113.9", 1),
        ("198.51.100.7", 1),
    ] {
        let mut nez = Person::at(&installation);
        let page = nez.open(&installation.login("/login")).await;
        let fields = [("username", NEZ.user), ("password", PASSWORD)];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        let reply = nez.post(&page.resolve("/login"), &[form, ("X-Forwarded-For", address)], &body).await;
        assert_eq!(reply.status, 303, "{address}");
        assert_eq!(installation.events("two-countries").len(), alarms, "{address}");
    }
    let alarm = installation.events("two-countries").remove(0);
    assert_eq!(alarm["detail"], json!({ "from": "DK", "to": "SE", "minutes": 120 }));
    assert_eq!((&alarm["username"], &alarm["address"]), (&json!("nez"), &json!("203.0.113.9")));
}

#[tokio::test]
async fn what_is_no_database_of_countries_is_told() {
    let installation = Installation::new(&Origin::echo().await);
    let file = installation.write("countries.mmdb", "Danmark");
    let setting = format!("audit: {{ geoip: {} }}\nmethods:\n", file.display());
    installation.change("sluse.yaml", "methods:\n", &setting);
    let (code, said) = installation.serve_in_vain().await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("countries.mmdb is no database of countries"), "{said}");
}

/// A database in MaxMind's format, version 2.0, of networks of 24 bits and their countries.
fn database(networks: &[([u8; 4], &str)]) -> Vec<u8> {
    // A node's two sides: another node, or a network's place in `networks`.
    #[derive(Copy, Clone)]
    enum Side {
        Nothing,
        Node(usize),
        Network(usize),
    }
    let mut nodes = vec![[Side::Nothing; 2]];
    for (place, (network, _)) in networks.iter().enumerate() {
        let bits = u32::from(Ipv4Addr::from(*network));
        let mut node = 0;
        for depth in 0..24 {
            let side = (bits >> (31 - depth) & 1) as usize;
            if depth == 23 {
                nodes[node][side] = Side::Network(place);
            } else if let Side::Node(next) = nodes[node][side] {
                node = next;
            } else {
                nodes.push([Side::Nothing; 2]);
                nodes[node][side] = Side::Node(nodes.len() - 1);
                node = nodes.len() - 1;
            }
        }
    }
    let mut data = Vec::new();
    let mut places = Vec::new();
    for (_, country) in networks {
        places.push(data.len());
        data.extend(map(&[("country", map(&[("iso_code", text(country))]))]));
    }
    let mut file = Vec::new();
    for side in nodes.iter().flatten() {
        let value = match *side {
            Side::Nothing => nodes.len(),
            Side::Node(node) => node,
            Side::Network(place) => nodes.len() + 16 + places[place],
        };
        file.extend(&u32::try_from(value).expect("a small tree").to_be_bytes()[1..]);
    }
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    file.extend(map(&[
        ("binary_format_major_version", number(2)),
        ("binary_format_minor_version", number(0)),
        ("build_epoch", vec![0, 2]),
        ("database_type", text("Test-Country")),
        ("description", map(&[])),
        ("ip_version", number(4)),
        ("languages", vec![0, 4]),
        (
            "node_count",
            [&[6 << 5 | 4][..], &u32::try_from(nodes.len()).expect("a small tree").to_be_bytes()].concat(),
        ),
        ("record_size", number(24)),
    ]));
    file
}

fn text(text: &str) -> Vec<u8> {
    let size = u8::try_from(text.len()).expect("short");
    assert!(size < 29, "longer ones have their size in a byte of its own");
    [&[2 << 5 | size], text.as_bytes()].concat()
}

fn number(number: u16) -> Vec<u8> {
    [&[5 << 5 | 2][..], &number.to_be_bytes()].concat()
}

fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let size = u8::try_from(entries.len()).expect("few");
    entries.iter().fold(vec![7 << 5 | size], |all, (name, value)| [all, text(name), value.clone()].concat())
}
