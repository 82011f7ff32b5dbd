//! What a pickle holds, as a list of objects that name each other by number. Nothing is copied and nothing is nested, so
//! neither shared nor circular objects cost more than the bytes that they were read from.

use std::borrow::Cow;

/// The number of an object in its pickle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(pub(super) u32);

/// One object; texts and bytes are those of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object<'a> {
    /// `None`, and what nobody here needs to know more about.
    Nothing,
    Bool(bool),
    Int(i64),
    /// An integer of more than eight bytes, little-endian.
    Long(&'a [u8]),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Tuple(Vec<Id>),
    /// A list or a set.
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Class {
        module: &'a str,
        name: &'a str,
    },
    /// What calling `class` gave.
    Made(Box<Made>),
    /// Something that lies beside the pickle, such as a storage.
    Beside(Id),
}

/// An instance of a class, or the result of a function: what would have to be called, and what would be put into it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Made {
    pub(super) class: Id,
    pub(super) arguments: Id,
    /// Its attributes.
    pub(super) state: Option<Id>,
    /// What was put into it as into a dict.
    pub(super) entries: Vec<(Id, Id)>,
}

/// A pickle that was read.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    pub(super) objects: Vec<Object<'a>>,
    pub(super) root: Id,
}

impl<'a> Pickle<'a> {
    pub(super) fn get(&self, id: Id) -> &Object<'a> {
        self.objects.get(id.0 as usize).unwrap_or(&Object::Nothing)
    }

    pub(super) fn root(&self) -> &Object<'a> {
        self.get(self.root)
    }

    pub(super) fn text(&self, id: Id) -> Option<&'a str> {
        match *self.get(id) {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number that is not negative.
    pub(super) fn number(&self, id: Id) -> Option<u64> {
        match *self.get(id) {
            Object::Int(number) => u64::try_from(number).ok(),
            _ => None,
        }
    }

    pub(super) fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Object::Tuple(parts) => Some(parts),
            _ => None,
        }
    }

    /// Module and name of a class or function.
    pub(super) fn class(&self, id: Id) -> Option<(&'a str, &'a str)> {
        match *self.get(id) {
            Object::Class { module, name } => Some((module, name)),
            _ => None,
        }
    }

    /// Keys and values of a dict, or of an instance that is one as well.
    pub(super) fn entries(&self, id: Id) -> &[(Id, Id)] {
        match self.get(id) {
            Object::Dict(entries) => entries,
            Object::Made(made) => &made.entries,
            _ => &[],
        }
    }

    /// What an instance is of: `models.yolo.Model`.
    pub(super) fn class_name(&self, id: Id) -> Option<Cow<'a, str>> {
        let Object::Made(made) = self.get(id) else { return None };
        let (module, name) = self.class(made.class)?;
        Some(if module.is_empty() { name.into() } else { format!("{module}.{name}").into() })
    }
}
