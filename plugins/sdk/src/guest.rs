//! From the exports of a WebAssembly module to an [`Instance`], and from it to the imports. Used by `export!` alone.

use std::cell::RefCell;

pub use crate::bindings::exports::eyas::detector::guest::{Description, Guest};

use crate::bindings::eyas::detector::{batch, log, results, setup, state};
use crate::instance::current_row;
use crate::setup::Test;
use crate::{
    Alert, ColumnData, Config, Detector, Entries, FieldType, Host, Instance, OwnedStrings, Problem, Routing, Rows, Scope, Setup, Strings,
    Value,
};

/// Where the module's one instance lives.
pub type Slot<D> = RefCell<Option<Instance<D>>>;

/// The export `describe`.
pub fn describe<D: Detector>() -> Description {
    Description {
        name: D::INFO.name.into(),
        version: D::INFO.version.into(),
        state_version: D::INFO.state_version,
        summary: D::INFO.summary.into(),
        config_schema: D::Config::schema().to_string(),
        labels: Vec::new(),
    }
}

/// The export `configure`.
pub fn configure<D: Detector>(slot: &Slot<D>, config: &str) -> Result<(), Vec<Problem>> {
    // A panic is a trap, which says nothing; its message goes to the log before it, and the host learns at which row it was.
    std::panic::set_hook(Box::new(|panic| {
        log::log(log::Level::Error, &panic.to_string());
        current_row().into_iter().for_each(results::progress);
    }));
    let instance = Instance::new(config, &setup::name(), setup::seed(), setup::table_seed())?;
    subscribe(instance.subscription());
    slot.replace(Some(instance));
    Ok(())
}

/// The export `process`.
pub fn process<D: Detector>(slot: &Slot<D>, rows: u32) {
    let mut slot = slot.borrow_mut();
    let Some(instance) = slot.as_mut() else { return };
    let batch = Batch::pull(instance.subscription(), rows as usize);
    let columns: Vec<(ColumnData<'_>, &[u8])> = batch.columns.iter().map(|(data, valid)| (data.borrow(), valid.as_slice())).collect();
    let rows = Rows {
        count: rows as usize,
        times: &batch.times,
        watermarks: &batch.watermarks,
        keys: Strings { offsets: &batch.keys.offsets, data: &batch.keys.data },
        key_hashes: &batch.key_hashes,
        columns: &columns,
    };
    instance.process(&rows, &mut Eyas::default());
}

/// The export `advance`.
pub fn advance<D: Detector>(slot: &Slot<D>, watermark: i64) {
    if let Some(instance) = slot.borrow_mut().as_mut() {
        instance.advance(watermark, &mut Eyas::default());
    }
}

/// The export `flush`.
pub fn flush<D: Detector>(slot: &Slot<D>) {
    if let Some(instance) = slot.borrow_mut().as_mut() {
        instance.flush(&mut Eyas::default());
    }
}

/// The export `snapshot`.
pub fn snapshot<D: Detector>(slot: &Slot<D>, scope: Scope) {
    if let Some(instance) = slot.borrow_mut().as_mut() {
        instance.snapshot(scope, &mut |entries: Entries| state::put(&entries));
    }
}

/// The export `restore`.
pub fn restore<D: Detector>(slot: &Slot<D>) -> Result<(), String> {
    let mut slot = slot.borrow_mut();
    let Some(instance) = slot.as_mut() else { return Err("restore comes after configure".into()) };
    instance.restore(state::state_version(), &state::config(), &mut || state::next().map(|entries| (entries, state::key_hashes())))
}

/// Tells the host what was asked for. It numbers columns as [`Setup`] does: in the order of first asking.
fn subscribe(asked: &Setup) {
    for field in &asked.fields {
        let path = field.path.as_str();
        match field.kind {
            FieldType::Text => setup::text(path),
            FieldType::Bytes => setup::bytes(path),
            FieldType::S64 => setup::s64(path),
            FieldType::U64 => setup::u64(path),
            FieldType::F64 => setup::f64(path),
            FieldType::Boolean => setup::boolean(path),
            FieldType::Timestamp => setup::timestamp(path),
            FieldType::Ip => setup::ip(path),
            FieldType::Raw => setup::raw(path),
        };
    }
    for condition in &asked.conditions {
        let (path, negate) = (condition.path.as_str(), condition.negate);
        match &condition.test {
            Test::Present => setup::where_present(path, negate),
            Test::Text(one_of) => setup::where_text(path, one_of, negate),
            Test::Integer(one_of) => setup::where_integer(path, one_of, negate),
            Test::Boolean(is) => setup::where_boolean(path, *is, negate),
            Test::Number { at_least, below } => setup::where_number(path, *at_least, *below, negate),
            Test::Prefix(one_of) => setup::where_prefix(path, one_of, negate),
            Test::Network(one_of) => setup::where_network(path, one_of, negate),
        }
    }
    match &asked.routing {
        Routing::Global => {}
        Routing::Keyed(columns) => setup::keyed(&columns.iter().map(|c| *c as u32).collect::<Vec<u32>>()),
        Routing::Stateless => setup::stateless(),
    }
    if asked.timeless {
        setup::timeless();
    }
    if asked.drops {
        setup::drops();
    }
}

/// The columns of a batch, as they came.
struct Batch {
    times: Vec<i64>,
    watermarks: Vec<i64>,
    keys: OwnedStrings,
    key_hashes: Vec<u64>,
    columns: Vec<(Owned, Vec<u8>)>,
}

impl Batch {
    fn pull(asked: &Setup, rows: usize) -> Batch {
        let keys = OwnedStrings { offsets: Vec::new(), data: Vec::new() };
        let mut all = Batch { times: Vec::new(), watermarks: Vec::new(), keys, key_hashes: Vec::new(), columns: Vec::new() };
        if rows == 0 {
            return all;
        }
        if !asked.timeless {
            all.times = batch::times();
            all.watermarks = batch::watermarks();
        }
        if let Routing::Keyed(_) = asked.routing {
            all.keys = batch::keys();
            all.key_hashes = batch::key_hashes();
        }
        for (field, i) in asked.fields.iter().zip(0..) {
            let data = match field.kind {
                _ if !field.read => Owned::Unread,
                FieldType::Text => Owned::Strings(batch::text(i)),
                FieldType::Bytes => Owned::Strings(batch::bytes(i)),
                FieldType::Raw => Owned::Strings(batch::raw(i)),
                FieldType::S64 => Owned::S64(batch::s64(i)),
                FieldType::Timestamp => Owned::S64(batch::timestamp(i)),
                FieldType::U64 => Owned::U64(batch::u64(i)),
                FieldType::F64 => Owned::F64(batch::f64(i)),
                FieldType::Boolean => Owned::Bits(batch::boolean(i)),
                FieldType::Ip => Owned::Ip(batch::ip(i)),
            };
            let valid = if field.read { batch::validity(i) } else { Vec::new() };
            all.columns.push((data, valid));
        }
        all
    }
}

enum Owned {
    Unread,
    Strings(OwnedStrings),
    S64(Vec<i64>),
    U64(Vec<u64>),
    F64(Vec<f64>),
    Bits(Vec<u8>),
    Ip(Vec<u8>),
}

impl Owned {
    fn borrow(&self) -> ColumnData<'_> {
        match self {
            Owned::Unread => ColumnData::Unread,
            Owned::Strings(s) => ColumnData::Strings(Strings { offsets: &s.offsets, data: &s.data }),
            Owned::S64(values) => ColumnData::S64(values),
            Owned::U64(values) => ColumnData::U64(values),
            Owned::F64(values) => ColumnData::F64(values),
            Owned::Bits(values) => ColumnData::Bits(values),
            Owned::Ip(values) => ColumnData::Ip(values),
        }
    }
}

/// The host behind the imports, during one call.
#[derive(Default)]
struct Eyas {
    /// Asked for once a call, if at all.
    references: Option<OwnedStrings>,
}

impl Host for Eyas {
    fn annotate(&mut self, row: u32, name: &str, value: &Value) {
        results::annotate(row, name, value);
    }
    fn drop_event(&mut self, row: u32) {
        results::drop(row);
    }
    fn report(&mut self, alert: Alert) {
        results::report(&alert);
    }
    fn alert_id(&mut self, rule: &str, dedup_key: &str) -> String {
        results::alert_id(rule, dedup_key)
    }
    fn row_error(&mut self, row: u32, message: &str) {
        results::row_error(row, message);
    }
    fn count(&mut self, name: &str, n: u64) {
        results::count(name, n);
    }
    fn gauge(&mut self, name: &str, value: i64) {
        results::gauge(name, value);
    }
    fn progress(&mut self, row: u32) {
        results::progress(row);
    }
    fn reference(&mut self, row: u32) -> Vec<u8> {
        let all = self.references.get_or_insert_with(batch::references);
        Strings { offsets: &all.offsets, data: &all.data }.get(row as usize).to_vec()
    }
    fn event(&mut self, row: u32) -> Vec<u8> {
        batch::event(row)
    }
}
