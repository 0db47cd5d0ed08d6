//! Which groups somebody is in, directly or by way of other groups.

use std::collections::BTreeSet;

use ldap3::{Ldap, LdapError, Scope, SearchEntry, ldap_escape};

use super::connection::ANSWER;
use super::state;

/// AD's own way up through all groups at once (MS-ADTS 3.1.1.3.4.4.3).
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";
/// What a server that is AD says it can do (MS-ADTS 3.1.1.3.4.3.1).
const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";

/// Where no server does it for us: how far up, and how many groups in all. Groups may hold each other.
const DEPTH: usize = 10;
const MOST: usize = 500;

/// Names (`cn`) of the groups of the entry at `dn`, in order.
pub async fn of(ldap: &mut Ldap, base: &str, dn: &str) -> Result<Vec<String>, LdapError> {
    let mut names = BTreeSet::new();
    if is_active_directory(ldap).await? {
        let groups = search(ldap, base, &in_chain(dn)).await?;
        names.extend(groups.iter().filter_map(name));
    } else {
        let mut seen = BTreeSet::from([dn.to_lowercase()]);
        let mut level = vec![dn.to_owned()];
        for _ in 0..DEPTH {
            let mut next = Vec::new();
            for member in level {
                let member = ldap_escape(member);
                let filter = format!("(|(member={member})(uniqueMember={member}))");
                for group in search(ldap, base, &filter).await? {
                    if seen.len() <= MOST && seen.insert(group.dn.to_lowercase()) {
                        names.extend(name(&group));
                        next.push(group.dn);
                    }
                }
            }
            level = next;
        }
    }
    Ok(names.into_iter().collect())
}

/// Every group the entry is in, at any remove. What has a meaning in filters is escaped (RFC 4515, section 3).
fn in_chain(dn: &str) -> String {
    format!("(member:{IN_CHAIN}:={})", ldap_escape(dn))
}

async fn is_active_directory(ldap: &mut Ldap) -> Result<bool, LdapError> {
    let attributes = ["supportedCapabilities"];
    let found = ldap.with_timeout(ANSWER).search("", Scope::Base, "(objectClass=*)", attributes).await?;
    let (entries, _) = found.success()?;
    let says = |entry| {
        let entry = SearchEntry::construct(entry);
        state::all(&entry, "supportedCapabilities").iter().any(|capability| capability == ACTIVE_DIRECTORY)
    };
    Ok(entries.into_iter().any(says))
}

async fn search(ldap: &mut Ldap, base: &str, filter: &str) -> Result<Vec<SearchEntry>, LdapError> {
    let found = ldap.with_timeout(ANSWER).search(base, Scope::Subtree, filter, ["cn"]).await?;
    let (entries, _) = found.success()?;
    Ok(entries.into_iter().filter(|entry| !entry.is_ref()).map(SearchEntry::construct).collect())
}

/// Applications receive groups in one header, separated by commas: a name with one would be two groups.
fn name(group: &SearchEntry) -> Option<String> {
    let name = state::first(group, "cn")?.trim();
    let fits = !name.is_empty() && !name.chars().any(|c| c.is_control() || c == ',' || c == ';');
    fits.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_meaning_in_filters_has_none() {
        let filter = in_chain("CN=Nez (vikar) *\\, Øst,OU=Pleje,DC=kommune,DC=example");
        let expected = r"(member:1.2.840.113556.1.4.1941:=CN=Nez \28vikar\29 \2a\5c, Øst,OU=Pleje,DC=kommune,DC=example)";
        assert_eq!(filter, expected);
    }

    #[test]
    fn a_group_whose_name_would_be_two_is_none() {
        let named = |cn: &str| {
            let attrs = [("cn".to_owned(), vec![cn.to_owned()])].into();
            name(&SearchEntry { dn: String::new(), attrs, bin_attrs: <_>::default() })
        };
        assert_eq!(named(" nurses ").as_deref(), Some("nurses"));
        for cn in ["", " ", "nurses,doctors", "nurses;doctors", "nur\nses"] {
            assert_eq!(named(cn), None, "{cn:?}");
        }
    }
}
