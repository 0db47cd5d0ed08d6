//! Levels as expressions over methods: `password + (key | mitid)`.

use std::fmt;

use crate::authn::{Assurance, Method, MitIdLevel};

/// One method, and how strong it must be.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    Password,
    /// With `pin`, the key must have verified its user (`key(pin)`).
    Key {
        pin: bool,
    },
    /// At least that level. A bare `mitid` is `mitid(low)`: whatever level the gateway accepts at login.
    MitId(MitIdLevel),
}

impl Need {
    pub const fn method(self) -> Method {
        match self {
            Self::Password => Method::Password,
            Self::Key { .. } => Method::Key,
            Self::MitId(_) => Method::MitId,
        }
    }

    /// Whether the proof of this method, if there is one, is strong enough; its age aside.
    pub fn met_by(self, assurance: &Assurance) -> bool {
        match self {
            Self::Password => assurance.password.is_some(),
            Self::Key { pin } => assurance.key.as_ref().is_some_and(|key| key.user_verified || !pin),
            Self::MitId(level) => assurance.mitid.as_ref().is_some_and(|mitid| mitid.level >= level),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { pin: true } => f.write_str("key(pin)"),
            Self::MitId(level) if *level > MitIdLevel::Low => write!(f, "mitid({})", level.name()),
            other => f.write_str(other.method().name()),
        }
    }
}

/// Methods that together are enough: at most one need a method, in the order they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MethodSet(Vec<Need>);

impl MethodSet {
    pub fn needs(&self) -> &[Need] {
        &self.0
    }

    /// Both sets: of two needs for one method the stronger, in the later place.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let own = self.0.iter().filter(|need| other.0.iter().all(|o| o.method() != need.method()));
        let joined = other.0.iter().map(|need| {
            let same = self.0.iter().find(|own| own.method() == need.method());
            *same.map_or(need, |own| own.max(need))
        });
        Self(own.copied().chain(joined).collect())
    }
}

impl fmt::Display for MethodSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, need) in self.0.iter().enumerate() {
            let joint = if index == 0 { "" } else { " + " };
            write!(f, "{joint}{need}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sets: Vec<String> = self.0.iter().map(MethodSet::to_string).collect();
        f.write_str(&sets.join(" | "))
    }
}

/// The sets of which each is enough, in the order they were written. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression(Vec<MethodSet>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExpression {
    #[error("there is no method or level `{0}`")]
    UnknownName(String),
    #[error("`{0}` takes no `({1})`")]
    UnknownStrength(&'static str, String),
    #[error("something is missing after `{0}`")]
    Incomplete(String),
    #[error("`{0}` is not expected here")]
    Unexpected(String),
    #[error("the expression is too large")]
    TooLarge,
}

impl Expression {
    /// Parses `+` (both), `|` (either, binds weaker), parentheses, and the methods.
    pub fn parse(text: &str) -> Result<Self, InvalidExpression> {
        Tree::parse(text)?.normalise().map(Self)
    }

    /// Satisfied by any one proof: what a signed-in person has.
    pub fn any_method() -> Self {
        let needs = [Need::Password, Need::Key { pin: false }, Need::MitId(MitIdLevel::Low)];
        Self(needs.map(|need| MethodSet(vec![need])).to_vec())
    }

    pub fn sets(&self) -> &[MethodSet] {
        &self.0
    }

    pub fn uses(&self, method: Method) -> bool {
        self.0.iter().flat_map(|set| &set.0).any(|need| need.method() == method)
    }
}

/// An expression as it was written.
#[derive(Clone, Debug)]
enum Tree {
    Need(Need),
    Both(Box<Self>, Box<Self>),
    Either(Box<Self>, Box<Self>),
}

/// Bounds what a hostile file can make us compute.
const MOST_SETS: usize = 64;
const DEEPEST: usize = 16;
const LONGEST: usize = 1024;

impl Tree {
    fn parse(text: &str) -> Result<Self, InvalidExpression> {
        if text.len() > LONGEST {
            return Err(InvalidExpression::TooLarge);
        }
        let mut tokens = Tokens { rest: text.trim_start(), last: "the beginning" };
        let tree = Self::either(&mut tokens, 0)?;
        match tokens.next() {
            None => Ok(tree),
            Some(token) => Err(InvalidExpression::Unexpected(token.to_owned())),
        }
    }

    fn either(tokens: &mut Tokens<'_>, depth: usize) -> Result<Self, InvalidExpression> {
        let mut tree = Self::both(tokens, depth)?;
        while tokens.skip("|") {
            tree = Self::Either(Box::new(tree), Box::new(Self::both(tokens, depth)?));
        }
        Ok(tree)
    }

    fn both(tokens: &mut Tokens<'_>, depth: usize) -> Result<Self, InvalidExpression> {
        let mut tree = Self::one(tokens, depth)?;
        while tokens.skip("+") {
            tree = Self::Both(Box::new(tree), Box::new(Self::one(tokens, depth)?));
        }
        Ok(tree)
    }

    fn one(tokens: &mut Tokens<'_>, depth: usize) -> Result<Self, InvalidExpression> {
        if depth > DEEPEST {
            return Err(InvalidExpression::TooLarge);
        }
        match tokens.expect()? {
            "(" => {
                let tree = Self::either(tokens, depth + 1)?;
                tokens.close()?;
                Ok(tree)
            }
            "password" => Ok(Self::Need(Need::Password)),
            "key" => match tokens.argument()? {
                None => Ok(Self::Need(Need::Key { pin: false })),
                Some("pin") => Ok(Self::Need(Need::Key { pin: true })),
                Some(other) => Err(InvalidExpression::UnknownStrength("key", other.to_owned())),
            },
            "mitid" => {
                let level = tokens.argument()?.unwrap_or("low");
                let parsed = MitIdLevel::parse(level).map(|level| Self::Need(Need::MitId(level)));
                parsed.ok_or_else(|| InvalidExpression::UnknownStrength("mitid", level.to_owned()))
            }
            symbol @ (")" | "|" | "+") => Err(InvalidExpression::Unexpected(symbol.to_owned())),
            name => Err(InvalidExpression::UnknownName(name.to_owned())),
        }
    }

    fn normalise(&self) -> Result<Vec<MethodSet>, InvalidExpression> {
        let sets: Vec<MethodSet> = match self {
            Self::Need(need) => vec![MethodSet(vec![*need])],
            Self::Either(left, right) => [left.normalise()?, right.normalise()?].concat(),
            Self::Both(left, right) => {
                let right = right.normalise()?;
                left.normalise()?.iter().flat_map(|l| right.iter().map(move |r| l.and(r))).collect()
            }
        };
        let mut distinct: Vec<MethodSet> = Vec::new();
        for set in sets {
            if !distinct.contains(&set) {
                distinct.push(set);
            }
        }
        if distinct.len() > MOST_SETS { Err(InvalidExpression::TooLarge) } else { Ok(distinct) }
    }
}

struct Tokens<'t> {
    rest: &'t str,
    last: &'t str,
}

impl<'t> Tokens<'t> {
    fn peek(&self) -> Option<&'t str> {
        let first = self.rest.chars().next()?;
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        let end = if is_name(first) {
            self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len())
        } else {
            first.len_utf8()
        };
        Some(&self.rest[..end])
    }

    fn next(&mut self) -> Option<&'t str> {
        let token = self.peek()?;
        self.rest = self.rest[token.len()..].trim_start();
        self.last = token;
        Some(token)
    }

    fn expect(&mut self) -> Result<&'t str, InvalidExpression> {
        let last = self.last;
        self.next().ok_or_else(|| InvalidExpression::Incomplete(last.to_owned()))
    }

    fn skip(&mut self, token: &str) -> bool {
        let there = self.peek() == Some(token);
        if there {
            self.next();
        }
        there
    }

    fn close(&mut self) -> Result<(), InvalidExpression> {
        match self.expect()? {
            ")" => Ok(()),
            other => Err(InvalidExpression::Unexpected(other.to_owned())),
        }
    }

    /// The word in parentheses after a method.
    fn argument(&mut self) -> Result<Option<&'t str>, InvalidExpression> {
        if !self.skip("(") {
            return Ok(None);
        }
        let word = self.expect()?;
        self.close()?;
        Ok(Some(word))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::authn::{CredentialId, KeyEvidence, MitIdEvidence, MitIdSubject, PasswordEvidence};
    use crate::time::Timestamp;

    fn sets(text: &str) -> Vec<String> {
        Expression::parse(text).unwrap().sets().iter().map(MethodSet::to_string).collect()
    }

    #[test]
    fn the_normal_form_keeps_the_order() {
        assert_eq!(sets("password"), ["password"]);
        assert_eq!(sets("password + (key | mitid)"), ["password + key", "password + mitid"]);
        assert_eq!(sets("key(pin) | mitid(substantial)"), ["key(pin)", "mitid(substantial)"]);
        assert_eq!(sets("password+key|mitid"), ["password + key", "mitid"]);
        assert_eq!(sets("key + password + key(pin)"), ["password + key(pin)"]);
        assert_eq!(sets("key | key"), ["key"]);
    }

    #[test]
    fn what_is_no_expression() {
        for (text, message) in [
            ("", "something is missing after `the beginning`"),
            ("password +", "something is missing after `+`"),
            ("(password", "something is missing after `password`"),
            ("password)", "`)` is not expected here"),
            ("password key", "`key` is not expected here"),
            ("| key", "`|` is not expected here"),
            ("sms", "there is no method or level `sms`"),
            ("key(touch)", "`key` takes no `(touch)`"),
            ("mitid(highest)", "`mitid` takes no `(highest)`"),
            ("password(x)", "`(` is not expected here"),
        ] {
            assert_eq!(Expression::parse(text).unwrap_err().to_string(), message, "{text}");
        }
        assert_eq!(Expression::parse(&"(".repeat(500)), Err(InvalidExpression::TooLarge));
        let many = vec!["(key|mitid|password|key(pin)|mitid(high))"; 20].join("+");
        assert!(Expression::parse(&many).is_ok() || many.len() <= LONGEST);
    }

    fn any_tree() -> impl Strategy<Value = Tree> {
        let need = prop_oneof![
            Just(Need::Password),
            any::<bool>().prop_map(|pin| Need::Key { pin }),
            any_level().prop_map(Need::MitId),
        ];
        need.prop_map(Tree::Need).prop_recursive(4, 12, 2, |inner| {
            (inner.clone(), inner, any::<bool>()).prop_map(|(left, right, both)| {
                let (left, right) = (Box::new(left), Box::new(right));
                if both { Tree::Both(left, right) } else { Tree::Either(left, right) }
            })
        })
    }

    fn any_level() -> impl Strategy<Value = MitIdLevel> {
        prop_oneof![Just(MitIdLevel::Low), Just(MitIdLevel::Substantial), Just(MitIdLevel::High)]
    }

    /// A line each of a truth table.
    fn every_assurance() -> Vec<Assurance> {
        let at = Timestamp::EPOCH;
        let levels = [MitIdLevel::Low, MitIdLevel::Substantial, MitIdLevel::High].map(Some);
        let mut all = Vec::new();
        for password in [None, Some(PasswordEvidence { at })] {
            for pin in [None, Some(false), Some(true)] {
                for level in [None].into_iter().chain(levels) {
                    let credential = CredentialId(Vec::new());
                    let key =
                        pin.map(|user_verified| KeyEvidence { at, credential, user_verified, until: None });
                    let subject = MitIdSubject { issuer: String::new(), subject: String::new() };
                    let mitid = level.map(|level| MitIdEvidence { at, subject, level });
                    all.push(Assurance { password, key, mitid });
                }
            }
        }
        all
    }

    fn holds(tree: &Tree, assurance: &Assurance) -> bool {
        match tree {
            Tree::Need(need) => need.met_by(assurance),
            Tree::Both(left, right) => holds(left, assurance) && holds(right, assurance),
            Tree::Either(left, right) => holds(left, assurance) || holds(right, assurance),
        }
    }

    fn written(tree: &Tree) -> String {
        match tree {
            Tree::Need(need) => need.to_string(),
            Tree::Both(left, right) => format!("({} + {})", written(left), written(right)),
            Tree::Either(left, right) => format!("({}|{})", written(left), written(right)),
        }
    }

    proptest! {
        #[test]
        fn the_normal_form_means_the_same(tree in any_tree()) {
            let expression = match Expression::parse(&written(&tree)) {
                Ok(expression) => expression,
                Err(refusal) => {
                    prop_assert_eq!(refusal, InvalidExpression::TooLarge);
                    return Ok(());
                }
            };
            for assurance in every_assurance() {
                let normal = expression.sets().iter().any(|set| set.needs().iter().all(|n| n.met_by(&assurance)));
                prop_assert_eq!(normal, holds(&tree, &assurance), "{} by {:?}", expression, assurance);
            }
        }

        #[test]
        fn no_text_panics(text in "[a-z()|+ \u{f8}]{0,40}") {
            let _ = Expression::parse(&text);
        }
    }
}
