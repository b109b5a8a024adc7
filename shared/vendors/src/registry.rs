//! Every vendor there is: one line each.

use loyalty::HashKey;

use crate::{
    CLOCK, Destination, Envelope, Read, Section, Source, Store, TICKET, annexcloud, gorgias,
    read_tick, read_ticket, rule, yotpo,
};

macro_rules! registry {
    ($(#[$doc:meta])* $group:ident of $trait:ident, all $all:ident, find $find:ident {
        $($name:ident: $vendor:path, $settings:path;)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default)]
        pub struct $group {
            $(
                #[doc = concat!("Settings of ", stringify!($name), "; none when the store does not use it.")]
                pub $name: Option<$settings>,
            )*
        }

        impl $group {
            pub(crate) fn gather(mut section: Section) -> Self {
                let group = Self {
                    $($name: section.section(stringify!($name)).and_then(|mut own| {
                        let on = own.flag("on", true);
                        let settings = <$settings>::gather(own);
                        on.then_some(settings)
                    }),)*
                };
                section.finish();
                group
            }

            /// Whether the store uses the vendor of this name.
            #[must_use]
            pub fn has(&self, name: &str) -> bool {
                match name {
                    $(stringify!($name) => self.$name.is_some(),)*
                    _ => false,
                }
            }
        }

        #[doc = concat!("Every vendor in [`", stringify!($group), "`].")]
        pub const $all: &[&dyn $trait] = &[$(&$vendor,)*];

        #[doc = concat!("The vendor of this name in [`", stringify!($group), "`].")]
        #[must_use]
        pub fn $find(name: &str) -> Option<&'static dyn $trait> {
            $all.iter().copied().find(|vendor| vendor.name() == name)
        }
    };
}

registry! {
    /// Where a store's loyalty news comes from.
    Sources of Source, all SOURCES, find source {
        yotpo: yotpo::Yotpo, yotpo::Settings;
        annexcloud: annexcloud::AnnexCloud, annexcloud::SourceSettings;
    }
}

registry! {
    /// Where a store's loyalty news goes.
    Destinations of Destination, all DESTINATIONS, find destination {
        gorgias: gorgias::Gorgias, gorgias::Settings;
        rule: rule::Rule, rule::Settings;
        annexcloud: annexcloud::AnnexCloud, annexcloud::DestinationSettings;
    }
}

/// Whoever told of a delivery.
#[derive(Clone, Copy)]
pub enum Teller {
    /// The product's own clock.
    Clock,
    /// A ticket of somebody whom the programme does not know.
    Ticket,
    /// A source.
    Source(&'static dyn Source),
}

impl Teller {
    /// The teller of this name, `find` being the way to a source.
    #[must_use]
    pub fn named(name: &str, find: impl Fn(&str) -> Option<&'static dyn Source>) -> Option<Self> {
        match name {
            CLOCK => Some(Self::Clock),
            TICKET => Some(Self::Ticket),
            name => find(name).map(Self::Source),
        }
    }

    /// Whether a store listens to it.
    #[must_use]
    pub fn is_heard(self, store: &Store) -> bool {
        match self {
            Self::Clock | Self::Ticket => true,
            Self::Source(source) => store.sources.has(source.name()),
        }
    }

    /// What a stored delivery says.
    #[must_use]
    pub fn read(self, envelope: &Envelope, body: &[u8], store: &Store, key: &HashKey) -> Read {
        match self {
            Self::Clock => read_tick(envelope, body, key),
            Self::Ticket => read_ticket(envelope, body, key),
            Self::Source(source) => source.read(envelope, body, store, key),
        }
    }
}
