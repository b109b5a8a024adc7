//! Writes down what the core logs while tests run on ports in memory: the target `traces` looks through it for values of
//! persons.

use std::{
    collections::HashMap,
    fmt::{Debug, Write as _},
    fs::File,
    io::Write as _,
    path::PathBuf,
    sync::{Mutex, Once},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    callsite::Identifier,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// Lines of one place in the code: models make a million of the same form.
const MOST: u32 = 1_000;

static STARTED: Once = Once::new();

/// From now on what this test target logs goes into a file of its name.
pub(crate) fn write_down() {
    STARTED.call_once(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(concat!(env!("CARGO_CRATE_NAME"), ".log"));
        let heard = Heard(Mutex::new((File::create(file).unwrap(), HashMap::new())));
        tracing::subscriber::set_global_default(heard).unwrap();
    });
}

/// The file, and how much was written from each place.
struct Heard(Mutex<(File, HashMap<Identifier, u32>)>);

impl Subscriber for Heard {
    /// As on Lambda: libraries only speak up when something is wrong, because their lines print requests.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let module = metadata.module_path().unwrap_or_default();
        let own = ["delivery", "operator", "platform", "recording", "vendors"];
        let crate_name = module.split("::").next().unwrap_or_default();
        own.contains(&crate_name) || *metadata.level() <= Level::WARN
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut open = self.0.lock().unwrap();
        let (file, written) = &mut *open;
        let count = written.entry(metadata.callsite()).or_default();
        *count += 1;
        if *count <= MOST {
            let mut line = Line(format!("{} {}", metadata.level(), metadata.target()));
            event.record(&mut line);
            writeln!(file, "{}", line.0).unwrap();
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}
