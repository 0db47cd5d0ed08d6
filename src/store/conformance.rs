//! What every store must do, whichever database is behind it.
//!
//! A store passes by invoking [`suite`] with something that opens it: see [`Subject`].

pub(crate) mod accounts;
pub(crate) mod attempts;
pub(crate) mod audit;
pub(crate) mod browsers;
pub(crate) mod ceremonies;
pub(crate) mod desk;
pub(crate) mod devices;
pub(crate) mod glass;
pub(crate) mod keys;
pub(crate) mod live;
pub(crate) mod people;
pub(crate) mod provisioning;
pub(crate) mod self_service;
pub(crate) mod sessions;
pub(crate) mod spare;
pub(crate) mod telling;
pub(crate) mod upkeep;

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Key, RegisteredWith, SessionRecord, SignIn, SignInId, Store, TokenHash};
use crate::authn::{Assurance, CredentialId, Evidence, PasswordEvidence};
use crate::time::Timestamp;
use crate::user::{User, UserId, Username};

/// A store under test. Dropped, it leaves nothing behind.
#[async_trait]
pub(crate) trait Subject: Send + Sync {
    /// Empty the first time; the same store, as after a restart, every time after that.
    async fn open(&self) -> Arc<dyn Store>;
}

/// One `#[tokio::test]` a property, for the [`Subject`] the expression makes.
macro_rules! suite {
    ($subject:expr) => {
        crate::store::conformance::suite! { @tests $subject =>
            desk::people_are_found_by_the_beginnings_of_words
            desk::a_lock_says_why_and_ends_what_is_open
            desk::the_last_of_a_group_stays
            desk::an_earlier_end_ends_what_is_open
            desk::a_locked_password_is_seen_and_opened
            desk::what_is_open_is_found_and_ended_by_whose_it_is
            desk::keys_are_found_suspect_ones_first
            desk::a_request_is_answered_once_by_another
            devices::a_device_is_marked_once_by_its_link
            devices::a_removed_device_is_nobodys
            devices::whoever_sits_down_follows_somebody
            glass::broken_glass_comes_back_whole_until_it_is_over
            glass::glass_is_closed_once_by_its_own_signing_in
            glass::glass_ends_with_its_signing_in
            glass::the_first_use_of_glass_is_told_once
            live::every_live_session_is_handed_over
            people::a_user_comes_back_whole
            people::a_user_name_is_taken_once
            people::of_many_who_add_a_name_one_succeeds
            people::an_update_keeps_identity
            people::one_number_several_accounts
            people::a_password_is_set_and_replaced
            people::a_rehash_never_undoes_a_change
            people::a_subject_is_one_persons
            people::of_two_who_bind_a_subject_one_succeeds
            people::nobodys_password_is_an_error
            self_service::a_password_is_changed_with_all_that_follows
            self_service::of_many_changes_of_a_password_one_succeeds
            self_service::former_passwords_come_latest_first_and_not_for_ever
            self_service::one_key_is_preferred_by_its_owner_alone
            self_service::open_signings_in_say_where_they_were_begun
            self_service::terms_are_accepted_once_a_version
            attempts::five_wrong_lock_a_name_whoever_has_it
            attempts::of_many_guesses_at_once_only_so_many_are_looked_at
            attempts::a_known_browser_counts_by_itself
            attempts::what_was_not_wrong_is_taken_back
            attempts::old_attempts_at_nobody_are_forgotten
            browsers::a_browser_is_known_without_a_password
            browsers::of_too_many_the_oldest_is_forgotten
            keys::a_key_comes_back_whole
            keys::a_credential_is_registered_once
            keys::of_many_who_register_a_credential_one_succeeds
            keys::keys_are_renamed_and_deleted_by_their_owner_alone
            keys::use_moves_forward_and_suspicion_stays
            keys::a_code_is_one_persons_for_its_time
            keys::a_code_adds_one_key
            keys::of_many_who_spend_a_code_one_succeeds
            keys::a_taken_credential_leaves_the_code_unspent
            keys::a_key_and_what_is_told_of_it_are_written_together
            spare::a_spare_key_comes_back_whole
            spare::a_credential_is_one_persons_or_one_units
            spare::a_loan_ends_by_itself
            spare::of_many_who_borrow_a_key_one_gets_it
            spare::a_suspect_key_is_not_lent
            spare::a_key_has_the_level_of_its_papers
            ceremonies::a_ceremony_is_taken_once
            ceremonies::a_misfit_takes_nothing
            ceremonies::an_expired_ceremony_is_not_taken
            ceremonies::of_many_takers_one_gets_it
            ceremonies::an_id_is_used_once
            sessions::a_session_comes_back_with_its_person
            sessions::rotation_kills_the_old_token
            sessions::of_many_rotations_one_succeeds
            sessions::a_refused_rotation_changes_nothing
            sessions::hosts_share_a_signing_in
            sessions::an_ended_signing_in_stays_ended
            sessions::ending_all_spares_the_exception
            sessions::activity_never_moves_back
            sessions::the_feed_tells_in_order
            sessions::a_session_needs_a_person
            upkeep::a_trace_is_found_for_its_time
            upkeep::a_new_store_answers
            upkeep::everything_survives_a_restart
            upkeep::nodes_write_side_by_side
            accounts::a_change_and_what_is_told_of_it_are_written_together
            accounts::whatever_a_session_was_opened_for_ends_it
            accounts::a_password_and_what_is_told_of_it_are_written_together
            accounts::of_who_is_gone_the_audit_alone_tells
            provisioning::a_provisioned_person_comes_back_whole
            provisioning::a_change_is_made_to_what_was_read_or_not_at_all
            provisioning::wrong_passwords_go_along_with_a_new_name
            provisioning::people_are_found_in_pages
            provisioning::who_is_in_a_group_is_said_by_the_person
            provisioning::a_group_is_changed_in_full_or_not_at_all
            provisioning::groups_are_found_in_pages
            provisioning::of_many_who_join_nobody_is_lost
            audit::rows_are_found_by_what_they_say
            audit::the_cursor_misses_nothing
            audit::nodes_append_to_one_chain
            audit::forgetting_leaves_a_chain
            telling::what_is_to_be_told_is_claimed_until_it_is_told
            telling::of_two_who_follow_the_audit_one_moves_on
            telling::of_many_who_claim_a_message_one_gets_it
            telling::what_is_given_up_is_in_the_audit
            upkeep::purge_forgets_what_is_past
            upkeep::positions_are_never_given_twice
        }
    };
    (@tests $subject:expr => $($file:ident :: $property:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $property() {
                crate::store::conformance::$file::$property(&$subject).await;
            }
        )*
    };
}
pub(crate) use suite;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn hash(value: &str) -> TokenHash {
    TokenHash::of(value.as_bytes())
}

/// Ids that follow from names: the same name is the same id.
fn uuid(name: &str) -> Uuid {
    Uuid::from_slice(&hash(name).0[..16]).expect("16 bytes")
}

fn person(name: &str) -> User {
    User {
        id: UserId(uuid(name)),
        username: Username::parse(name).expect("a valid name"),
        name: name.to_uppercase(),
        groups: Vec::new(),
        claims: Vec::new(),
        cpr: None,
        disabled: false,
        expires_at: None,
        created_at: at(1),
    }
}

async fn added(store: &dyn Store, name: &str) -> User {
    let user = person(name);
    assert!(store.add_user(&user).await.unwrap());
    user
}

fn key(user: &User, credential: &str) -> Key {
    Key {
        credential: CredentialId(credential.as_bytes().to_vec()),
        user: user.id,
        name: format!("Nøgle {credential}"),
        passkey: "{}".to_owned(),
        registered_at: at(10),
        registered_with: RegisteredWith::Code,
        used_at: None,
        suspect: false,
        loan: None,
    }
}

/// Of the signing in named `sign_in`, which lasts from 10 to 1000 seconds.
fn session(user: &User, sign_in: &str, token: &str) -> SessionRecord {
    SessionRecord {
        token: hash(token),
        host: "cura.localhost".to_owned(),
        sign_in: SignIn {
            id: SignInId(uuid(sign_in)),
            user: user.id,
            started_at: at(10),
            expires_at: at(1000),
            seen_at: at(10),
            shared: false,
        },
        assurance: Assurance::default().with(Evidence::Password(PasswordEvidence { at: at(10) })),
    }
}

/// Runs `attempt` sixteen times at once; how many answered `true`.
async fn winners<F>(attempt: impl Fn(usize) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let attempts: Vec<_> = (0..16).map(|n| tokio::spawn(attempt(n))).collect();
    let mut won = 0;
    for attempt in attempts {
        won += usize::from(attempt.await.expect("no attempt panics"));
    }
    won
}
