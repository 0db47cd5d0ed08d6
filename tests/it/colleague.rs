//! A colleague vouches for a temp, who borrows one of the unit's spare keys.

use sluse::authn::authenticator::flag;

use crate::browser::Browser;
use crate::employee::{log_in, register_key_with_code};
use crate::key::{Key, Touch};
use crate::person::Person;
use crate::temps::{LEAD, PASSWORD, SPARE, TEMP, Ward, add_spare_key};
use crate::words::says;

#[tokio::test]
async fn a_colleague_vouches_and_is_not_signed_in() {
    let ward = Ward::new().await;
    let mut lead = ward.lead().await;
    let mut temp = ward.with_spare_key(&mut lead).await;
    let page = temp.open(&ward.installation.cura("/vouched?a=b")).await;
    let page = temp.log_in(&page, TEMP.user, PASSWORD).await;
    let way = page.link_with("/lend/colleague").expect("a colleague may vouch");
    let page = temp.open(&page.resolve(&way)).await;
    assert_eq!(page.heading(), "En kollega siger god for dig");
    // Neither the temp, nor somebody without the duty, nor nobody: one and the same answer.
    for name in [TEMP.user, "nobody", "", "a b"] {
        let page = temp.submit(&page, "/lend/colleague", &[("colleague", name)]).await;
        assert_eq!(page.reply.status, 422, "{name:?}");
        assert!(page.reply.text().contains("Den kollega kan ikke"), "{name:?}");
    }
    let touch = temp.submit(&page, "/lend/colleague", &[("colleague", LEAD.user)]).await;
    assert_eq!(touch.heading(), "Kollegaens nøgle");
    let cookies = temp.cookie_line(&touch.url);
    let origin = ward.installation.login("");

    // The spare key is no colleague's; another browser's touch is not this one's.
    assert!(temp.key.assert(&touch.options(), &origin).is_err(), "the spare key is offered");
    let response = lead.key.assert(&touch.options(), &origin).expect("the colleague's key");
    let elsewhere = lead.post_response(&touch, "/lend/colleague/finish", &response).await;
    assert_eq!(elsewhere.status, 400, "bound to the temp's browser");
    let page = temp.finish(&touch, "/lend/colleague/finish", &response).await;
    assert_eq!(page.heading(), "Lån enhedens nøgle");
    assert_eq!(temp.cookie_line(&touch.url), cookies, "the colleague leaves nothing");
    assert_eq!(temp.post_response(&touch, "/lend/colleague/finish", &response).await.status, 400, "once");

    let response = temp.key.assert(&page.options(), &origin).expect("the spare key");
    let page = temp.finish(&page, "/lend/colleague/borrow", &response).await;
    assert_eq!((page.url.as_str(), page.reply.status), (&*ward.installation.cura("/vouched?a=b"), 200));
    let seen = ward.origin.request("/vouched?a=b").await;
    assert_eq!(seen.header("x-sluse-user").as_deref(), Some(TEMP.user));
    let vouched = ward.installation.events("colleague-vouched").remove(0);
    assert_eq!((&vouched["username"], &vouched["detail"]["for"]), (&LEAD.user.into(), &TEMP.user.into()));
    let lent = ward.installation.events("spare-key-lent").remove(0);
    assert_eq!((&lent["username"], &lent["detail"]["by"]), (&TEMP.user.into(), &LEAD.user.into()));
    assert_eq!(lent["detail"]["key"], SPARE);
}

#[tokio::test]
async fn where_a_pin_is_asked_for_the_colleague_gives_one() {
    let ward = Ward::asking_for("password + key(pin)").await;
    let mut lead = Person::at(&ward.installation);
    lead.key.flags |= flag::USER_VERIFIED;
    let page = lead.open(&ward.installation.cura("/")).await;
    let page = lead.log_in(&page, LEAD.user, PASSWORD).await;
    let page = lead.register(&page, &ward.installation.invite(&LEAD)).await;
    let page = lead.go_on(&page).await;
    lead.touch(&page).await;
    let mut temp = add_spare_key(&ward.installation, &mut lead).await;
    let page = temp.open(&ward.installation.cura("/pin")).await;
    let page = temp.log_in(&page, TEMP.user, PASSWORD).await;
    let way = page.link_with("/lend/colleague").expect("a colleague may vouch");
    let page = temp.open(&page.resolve(&way)).await;
    let page = temp.submit(&page, "/lend/colleague", &[("colleague", LEAD.user)]).await;
    lead.key.flags &= !flag::USER_VERIFIED;
    let origin = ward.installation.login("");
    let response = lead.key.assert(&page.options(), &origin).expect("the colleague's key");
    assert_eq!(temp.post_response(&page, "/lend/colleague/finish", &response).await.status, 400);
    let refused = ward.installation.events("colleague-refused").remove(0);
    assert_eq!(refused["detail"]["reason"], "user-not-verified");
}

#[tokio::test]
async fn a_colleague_vouches_on_the_tablet() {
    let ward = Ward::new().await;
    let own = Browser::start().await;
    own.open(&ward.installation.cura("/")).await;
    log_in(&own, LEAD.user, PASSWORD).await;
    let key = register_key_with_code(&own, &ward.installation.invite(&LEAD)).await;
    own.at(&ward.installation.cura("/")).await;
    let colleagues = key.credential().await;
    own.open(&ward.installation.login("/lend/new")).await;
    key.remove().await;
    own.field("Enhed").await.write("Nord").await;
    own.field("Navn på nøgle").await.write("Nøgle 1").await;
    own.picture("lend-new").await;
    own.button("Registrer klient").await.click().await;
    own.button("Start registrering").await;
    let key = Key::plug_in(&own, Touch::Present).await;
    own.button("Start registrering").await.click().await;
    own.heading("Reservenøgler").await;
    own.shows("I skuffen").await;
    own.picture("lend").await;
    let units = key.credential().await;

    let tablet = Browser::start().await;
    tablet.open(&ward.installation.cura("/citizens/7")).await;
    log_in(&tablet, TEMP.user, PASSWORD).await;
    tablet.link("En kollega siger god for dig").await.click().await;
    tablet.field("Kollegaens brugernavn").await.write(LEAD.user).await;
    tablet.picture("colleague").await;
    let key = Key::plug_in(&tablet, Touch::Present).await;
    key.import(&colleagues).await;
    tablet.button("Fortsæt").await.click().await;
    // The colleague's key is touched as the page asks for it; the unit's is not in yet.
    tablet.heading("Lån enhedens nøgle").await;
    tablet.picture("colleague-spare").await;
    key.remove().await;
    let key = Key::plug_in(&tablet, Touch::Present).await;
    key.import(&units).await;
    tablet.find("#start:enabled").await.click().await;
    tablet.at(&ward.installation.cura("/citizens/7")).await;
    let seen = ward.origin.request("/citizens/7").await;
    assert_eq!(seen.header("x-sluse-user").as_deref(), Some(TEMP.user));
    let cookies = tablet.cookies().await;
    assert!(!says(&format!("{cookies:?}"), LEAD.user), "{cookies:?}");
    tablet.open(&ward.installation.login("/me")).await;
    tablet.shows(TEMP.name).await;
}
