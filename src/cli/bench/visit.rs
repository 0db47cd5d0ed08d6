//! A browser as far as logging in needs one: it keeps cookies by host, reads forms, and runs no scripts.

use std::collections::HashMap;

use anyhow::Context as _;
use reqwest::{Client, Method, Response, header};
use serde_json::{Value, json};
use url::Url;

use super::people::Person;

/// More redirects than a login has.
const MOST_REDIRECTS: usize = 8;

pub struct Visit<'c> {
    http: &'c Client,
    /// By host, by name.
    cookies: HashMap<String, HashMap<String, String>>,
}

/// A page that was answered with 200.
struct Page {
    url: Url,
    html: String,
}

impl<'c> Visit<'c> {
    pub fn new(http: &'c Client) -> Self {
        Self { http, cookies: HashMap::new() }
    }

    /// From an app's address, which nobody is signed in at, by password and key to the app's own page.
    pub async fn log_in(&mut self, person: &Person, app: &Url) -> anyhow::Result<()> {
        let form = self.read(app.clone()).await.context("the way to the login form")?;
        let mut fields = form.hidden_fields("action=\"/login\"");
        fields.push(("username".to_owned(), person.username.clone()));
        fields.push(("password".to_owned(), person.password.clone()));
        let login = form.url.join("/login")?;
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let answer = self.send(Method::POST, &login, Some((FORM, body))).await?;
        let key = self.follow(&login, answer).await.context("the password")?;
        if key.url.host_str() == app.host_str() {
            return Ok(());
        }
        let (ceremony, options) = (key.attribute("data-ceremony")?, key.attribute("data-options")?);
        let origin = key.url.origin().ascii_serialization();
        let options = format!(r#"{{"publicKey":{options}}}"#);
        let response = person.with_key(|touched| touched.assert(&options, &origin))?;
        let mut message =
            json!({ "ceremony": ceremony, "response": serde_json::from_str::<Value>(&response)? });
        for (name, value) in key.hidden_fields("data-ceremony=\"") {
            message[name] = value.into();
        }
        let finish = key.url.join("/key/finish")?;
        let answer = self.send(Method::POST, &finish, Some((JSON, message.to_string()))).await?;
        let (status, body) = (answer.status(), answer.text().await?);
        anyhow::ensure!(status.is_success(), "the key was answered with {status}: {body}");
        let answer: Value = serde_json::from_str(&body)?;
        let next = answer["next"].as_str().context("the key's answer leads nowhere")?;
        let page = self.read(finish.join(next)?).await.context("the way back")?;
        anyhow::ensure!(page.url.host_str() == app.host_str(), "the login ended at {}", page.url);
        Ok(())
    }

    /// The Cookie header for a host.
    pub fn cookie(&self, host: &str) -> Option<String> {
        let cookies = self.cookies.get(host).filter(|cookies| !cookies.is_empty())?;
        let mut pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.sort();
        Some(pairs.join("; "))
    }

    /// The page at an address, through redirects.
    async fn read(&mut self, url: Url) -> anyhow::Result<Page> {
        let answer = self.send(Method::GET, &url, None).await?;
        self.follow(&url, answer).await
    }

    async fn follow(&mut self, from: &Url, mut answer: Response) -> anyhow::Result<Page> {
        let mut url = from.clone();
        for _ in 0..MOST_REDIRECTS {
            let status = answer.status();
            if !status.is_redirection() {
                anyhow::ensure!(status.is_success(), "{url} answered {status}");
                return Ok(Page { url, html: answer.text().await? });
            }
            let target = answer.headers().get(header::LOCATION).context("a redirect leads nowhere")?;
            url = url.join(target.to_str()?)?;
            answer = self.send(Method::GET, &url, None).await?;
        }
        anyhow::bail!("{from} leads from one address to the next, at last to {url}")
    }

    async fn send(
        &mut self,
        method: Method,
        url: &Url,
        body: Option<(&'static str, String)>,
    ) -> anyhow::Result<Response> {
        let host = url.host_str().context("an address has no host")?;
        let mut request = self
            .http
            .request(method, url.as_str())
            .header(header::ACCEPT, "text/html,application/json")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-site", "same-origin");
        if let Some(cookie) = self.cookie(host) {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some((kind, body)) = body {
            let origin = url.origin().ascii_serialization();
            request = request.header(header::ORIGIN, origin).header(header::CONTENT_TYPE, kind).body(body);
        }
        let answer = request.send().await?;
        let kept = self.cookies.entry(host.to_owned()).or_default();
        for line in answer.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie::Cookie::parse(line.to_str()?)?;
            match cookie.max_age().is_some_and(|age| age.is_zero()) {
                true => kept.remove(cookie.name()),
                false => kept.insert(cookie.name().to_owned(), cookie.value().to_owned()),
            };
        }
        Ok(answer)
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

impl Page {
    fn attribute(&self, name: &str) -> anyhow::Result<String> {
        attribute(&self.html, name).with_context(|| format!("{} has no `{name}`", self.url))
    }

    /// Of the form that `mark` stands in the tag of.
    fn hidden_fields(&self, mark: &str) -> Vec<(String, String)> {
        let form = self.html.split_once(mark).map_or("", |(_, rest)| rest);
        let form = form.split_once("</form>").map_or(form, |(form, _)| form);
        let tags = form.split("<input").skip(1).filter_map(|rest| Some(rest.split_once('>')?.0));
        let hidden = tags.filter(|tag| attribute(tag, "type").as_deref() == Some("hidden"));
        hidden.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?))).collect()
    }
}

fn attribute(html: &str, name: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(unescaped(value))
}

/// What our own templates escape.
fn unescaped(text: &str) -> String {
    let pairs = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    pairs.into_iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pages_forms_are_read() {
        let html = r#"<form action="/logout"><input type="hidden" name="then" value="login"></form>
            <form action="/key/finish" data-options="{&#34;a&#34;:&#34;&#38;&#34;}">
            <input type="hidden" name="to" value="/a?b=1&#38;c"><input type="text" name="username" value=""></form>"#;
        let page = Page { url: "http://login.localhost/key".parse().unwrap(), html: html.to_owned() };
        assert_eq!(page.attribute("data-options").unwrap(), r#"{"a":"&"}"#);
        assert!(page.attribute("data-ceremony").is_err());
        assert_eq!(page.hidden_fields("data-options=\""), [("to".to_owned(), "/a?b=1&c".to_owned())]);
        assert!(page.hidden_fields("action=\"/login\"").is_empty());
    }
}
