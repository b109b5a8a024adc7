//! Which secrets a store needs, and the command that makes each. Their values are nobody's business here.

use delivery::door;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use vendors::{Destination, Door, Fault, Finding, Level, Site, Store, registry};

use crate::command::{Operator, fault};

/// A secret that a store needs.
pub(crate) struct Needed {
    /// Its full name.
    pub(crate) name: String,
    /// Its content, with a word in each place that a person fills.
    pub(crate) content: Value,
}

impl Needed {
    /// The command that makes it, once its content stands in a file. Quotes would not survive the way from an answer into a
    /// shell, and a key would stay in the shell's history.
    pub(crate) fn command(&self) -> String {
        let (name, file) = (&self.name, self.file());
        format!("aws secretsmanager create-secret --name {name} --secret-string file://{file}")
    }

    fn file(&self) -> String {
        let connection = self.name.rsplit('/').next().unwrap_or_default();
        format!("{connection}.json")
    }

    /// It is not there.
    pub(crate) fn missing(&self) -> Finding {
        let (name, file, command) = (&self.name, self.file(), self.command());
        let message = format!(
            "`{name}` is missing; write its content, as `put_store` and the README have it, into {file}, and make it: {command}. \
             One that was deleted lately comes back with: aws secretsmanager restore-secret --secret-id {name}"
        );
        Finding::new(Level::Fault, "secret", message)
    }

    /// It is there, and nobody can use it.
    pub(crate) fn misshapen(&self) -> Finding {
        let (name, file) = (&self.name, self.file());
        let message = format!(
            "`{name}` has another form than the README gives; write its content anew into {file}, and put it: aws \
             secretsmanager put-secret-value --secret-id {name} --secret-string file://{file}"
        );
        Finding::new(Level::Fault, "secret", message)
    }

    /// Secrets Manager did not give it, with this code of an error.
    pub(crate) fn unread(&self, code: &str) -> Finding {
        let message = format!(
            "Secrets Manager did not let `{}` be read ({code}): try again, and look at the operator's role if it lasts",
            self.name
        );
        Finding::new(Level::Fault, "secret", message)
    }
}

/// The content of a secret that a person draws.
const DRAWN: &str = r#"{"v":1,"current":"<what `openssl rand -hex 32` prints>"}"#;

impl Operator {
    /// The secret that a source's deliveries carry. A program draws it, so that nobody invents a weak one.
    pub(crate) fn inbound_secret(&self, store: &Store, source: &str) -> Needed {
        self.needed(store, &format!("{source}-webhook"), DRAWN)
    }

    /// The secret that a destination presents where it asks us.
    pub(crate) fn door_secret(&self, store: &Store, door: &Door) -> Needed {
        self.needed(store, door.connection, DRAWN)
    }

    /// The secret with which a vendor is called, in the form that the vendor's own part of the code gives.
    pub(crate) fn outbound_secret(&self, store: &Store, connection: &str, form: &str) -> Needed {
        self.needed(store, connection, form)
    }

    fn needed(&self, store: &Store, connection: &str, form: &str) -> Needed {
        Needed {
            name: format!("{}/{}/{connection}", self.secret_prefix, store.id),
            content: serde_json::from_str(form).unwrap_or_default(),
        }
    }

    /// Every secret that the store needs.
    pub(crate) fn secrets_of(&self, store: &Store) -> Vec<Needed> {
        let sources = registry::SOURCES
            .iter()
            .map(|source| source.name())
            .filter(|name| store.sources.has(name));
        let asked = registry::SOURCES.iter().filter_map(|source| {
            let api = source.api().filter(|api| api.is_used(store))?;
            Some(self.outbound_secret(store, source.name(), api.secret_form()))
        });
        let destinations = registry::DESTINATIONS
            .iter()
            .filter(|destination| store.destinations.has(destination.name()));
        let doors = destinations
            .clone()
            .filter_map(|destination| destination.door(&store.id));
        sources
            .map(|name| self.inbound_secret(store, name))
            .chain(doors.map(|door| self.door_secret(store, &door)))
            .chain(asked)
            .chain(destinations.map(|destination| {
                self.outbound_secret(store, destination.name(), destination.secret_form())
            }))
            .collect()
    }

    /// A store, with what a destination must be told of us to ask us.
    pub(crate) async fn site<'a>(
        &'a self,
        store: &'a Store,
        destination: &dyn Destination,
        force: bool,
    ) -> Result<Site<'a>, Vec<Fault>> {
        let token = match destination.door(&store.id) {
            Some(door) => {
                let whose = (&store.id, &door);
                let token = door::token(&*self.secrets, &self.secret_prefix, whose).await;
                token.map_err(|error| fault("secrets", error))?
            }
            None => None,
        };
        Ok(self.site_with(store, token, force))
    }

    /// A store, where what a destination is to present has been read.
    pub(crate) fn site_with<'a>(
        &'a self,
        store: &'a Store,
        token: Option<SecretString>,
        force: bool,
    ) -> Site<'a> {
        Site {
            store,
            api_url: self.api_url.trim_end_matches('/'),
            token,
            force,
        }
    }

    /// What stands in a secret that somebody presents to us, and whether it is as it must be.
    pub(crate) async fn presented<T>(
        &self,
        secret: &Needed,
        read: impl Fn(&str) -> Option<T>,
    ) -> (Option<T>, Finding) {
        let text = match self.secrets.get(&secret.name).await {
            Ok(Some(text)) => text,
            Ok(None) => return (None, secret.missing()),
            Err(error) => return (None, secret.unread(&error.0)),
        };
        let read = read(text.expose_secret());
        let finding = if read.is_some() {
            Finding::new(Level::Good, "secret", "exists, and has its form")
        } else {
            secret.misshapen()
        };
        (read, finding)
    }

    /// Whether a secret exists.
    pub(crate) async fn exists(&self, secret: &Needed) -> Result<bool, Vec<Fault>> {
        let exists = self.secrets.exists(&secret.name).await;
        exists.map_err(|error| fault("secrets", error))
    }
}
