//! CBOR in the form CTAP2 allows (CTAP 2.1, section 8): definite lengths, shortest heads, no tags, no
//! floats, no repeated keys, little nesting. Keys may stand in any order: browsers write some of them.

/// A map in an attestation statement holds an array of certificates; nothing nests deeper than that.
const MAX_DEPTH: u8 = 6;

#[derive(Debug, PartialEq)]
pub(super) enum Item<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(Vec<Item<'a>>),
    Map(Vec<(Item<'a>, Item<'a>)>),
    Simple(u8),
}

impl<'a> Item<'a> {
    /// Reads one item off the front; answers it and what follows.
    pub(super) fn read(input: &'a [u8]) -> Result<(Self, &'a [u8]), NotCtap2> {
        let mut reader = Reader { rest: input };
        let item = reader.item(MAX_DEPTH)?;
        Ok((item, reader.rest))
    }

    pub(super) fn get(&self, key: &Item<'_>) -> Option<&Item<'a>> {
        match self {
            Self::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// Not CBOR, or not in the one form.
#[derive(Debug, PartialEq)]
pub(super) struct NotCtap2;

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn item(&mut self, depth: u8) -> Result<Item<'a>, NotCtap2> {
        let depth = depth.checked_sub(1).ok_or(NotCtap2)?;
        let (major, argument) = self.head()?;
        Ok(match major {
            0 => Item::Integer(i64::try_from(argument).map_err(|_| NotCtap2)?),
            1 => Item::Integer(-1 - i64::try_from(argument).map_err(|_| NotCtap2)?),
            2 => Item::Bytes(self.take(argument)?),
            3 => Item::Text(std::str::from_utf8(self.take(argument)?).map_err(|_| NotCtap2)?),
            4 => self.array(argument, depth)?,
            5 => self.map(argument, depth)?,
            7 if matches!(argument, 20..=22) => Item::Simple(u8::try_from(argument).map_err(|_| NotCtap2)?),
            _ => return Err(NotCtap2),
        })
    }

    // Room is never reserved by what a head claims: each member must first be there.
    fn array(&mut self, length: u64, depth: u8) -> Result<Item<'a>, NotCtap2> {
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(self.item(depth)?);
        }
        Ok(Item::Array(items))
    }

    fn map(&mut self, length: u64, depth: u8) -> Result<Item<'a>, NotCtap2> {
        let mut entries: Vec<(Item, Item)> = Vec::new();
        for _ in 0..length {
            let key = self.item(depth)?;
            if !matches!(key, Item::Integer(_) | Item::Text(_)) || entries.iter().any(|(k, _)| *k == key) {
                return Err(NotCtap2);
            }
            entries.push((key, self.item(depth)?));
        }
        Ok(Item::Map(entries))
    }

    /// Major type and argument (RFC 8949, section 3), the argument in its shortest form.
    fn head(&mut self) -> Result<(u8, u64), NotCtap2> {
        let [initial] = self.array_of()?;
        let (major, info) = (initial >> 5, initial & 0x1f);
        let (argument, least) = match info {
            0..24 => (u64::from(info), 0),
            24 => (u64::from(u8::from_be_bytes(self.array_of()?)), 24),
            25 => (u64::from(u16::from_be_bytes(self.array_of()?)), 1 << 8),
            26 => (u64::from(u32::from_be_bytes(self.array_of()?)), 1 << 16),
            27 => (u64::from_be_bytes(self.array_of()?), 1 << 32),
            _ => return Err(NotCtap2),
        };
        if argument < least { Err(NotCtap2) } else { Ok((major, argument)) }
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], NotCtap2> {
        let length = usize::try_from(length).map_err(|_| NotCtap2)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(NotCtap2)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array_of<const N: usize>(&mut self) -> Result<[u8; N], NotCtap2> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(NotCtap2)?;
        self.rest = rest;
        Ok(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_item_and_leaves_the_rest() {
        let (item, rest) = Item::read(&[0xa1, 0x26, 0x62, b'n', b'o', 0xff]).unwrap();
        assert_eq!(item, Item::Map(vec![(Item::Integer(-7), Item::Text("no"))]));
        assert_eq!(item.get(&Item::Integer(-7)), Some(&Item::Text("no")));
        assert_eq!(rest, [0xff]);
    }

    #[test]
    fn other_forms_are_refused() {
        let deep = [0x81; 20_000];
        for (why, bytes) in [
            ("nothing", &[][..]),
            ("a byte too few", &[0x42, 1]),
            ("2^63 bytes", &[0x5b, 0x80, 0, 0, 0, 0, 0, 0, 0]),
            ("2^63 members", &[0x9b, 0x80, 0, 0, 0, 0, 0, 0, 0]),
            ("an integer beyond 64 bits", &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            ("a long head", &[0x18, 23]),
            ("a longer head", &[0x19, 0, 255]),
            ("an indefinite length", &[0x9f, 0xff]),
            ("a tag", &[0xc0, 0]),
            ("a float", &[0xf9, 0, 0]),
            ("undefined", &[0xf7]),
            ("a repeated key", &[0xa2, 1, 2, 1, 3]),
            ("a key that is a map", &[0xa1, 0xa0, 0]),
            ("text that is no UTF-8", &[0x61, 0xff]),
            ("20 000 nested arrays", &deep),
        ] {
            assert_eq!(Item::read(bytes), Err(NotCtap2), "{why}");
        }
    }
}
