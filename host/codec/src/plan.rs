//! A source's decoding and the subscriptions that it reaches, compiled: which paths to look for, and what to make of what stands there.

use eyas_event::{Condition, FieldType, Keying, Subscription};

use crate::extract::Ready;
use crate::json::trie::{MAX_POINTS, Trie};
use crate::{Decoding, Encoding, Sharding};

/// Why a plan cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A path that splits in too many ways.
    #[error("path {0:?} has more than {MAX_POINTS} points")]
    TooManyPoints(String),
    /// Subscriptions that ask for too much.
    #[error("the detectors ask for {0} fields and conditions; {MAX_ASKED} are the most")]
    TooManyAsked(usize),
    /// A key that is no column.
    #[error("subscription {subscription} is keyed by column {column}, but has only {columns}")]
    NoSuchColumn {
        /// Number of the subscription.
        subscription: usize,
        /// The column named.
        column: u32,
        /// How many there are.
        columns: usize,
    },
    /// A number of shards that the key groups cannot be dealt to.
    #[error("{0} shards; from 1 to 256 are possible")]
    Shards(usize),
    /// CSV whose columns nothing names.
    #[error("csv without a header needs the names of its columns")]
    NoColumns,
    /// CSV with a delimiter that means something else.
    #[error("csv cannot be delimited by a quote or a line's end")]
    Delimiter,
    /// Annotations without a key.
    #[error("the annotation key is empty")]
    NoAnnotationKey,
}

/// So that slots, and all prefixes of all paths, can be numbered with 16 bits.
const MAX_ASKED: usize = 1024;

/// How one source is decoded, for all subscriptions that it reaches.
#[derive(Debug)]
pub struct Plan {
    pub(crate) decoding: Decoding,
    pub(crate) sharding: Sharding,
    pub(crate) trie: Trie,
    pub(crate) slots: usize,
    pub(crate) time: Option<u16>,
    pub(crate) cells: Vec<Asked>,
    pub(crate) subscriptions: Vec<Reader>,
}

/// A value that is asked for: where from, and as what. One for all subscriptions that ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) slot: u16,
    pub(crate) kind: FieldType,
}

/// One subscription, its paths resolved.
#[derive(Debug)]
pub(crate) struct Reader {
    /// Slot, test, negated.
    pub(crate) conditions: Vec<(u16, Ready, bool)>,
    /// Numbers of cells.
    pub(crate) columns: Vec<u16>,
    pub(crate) kinds: Vec<FieldType>,
    pub(crate) route: Route,
    pub(crate) timeless: bool,
}

/// Where a subscription's rows go.
#[derive(Debug)]
pub(crate) enum Route {
    /// To the owner of the key of these cells.
    Key(Vec<u16>),
    /// All to one shard.
    Shard(usize),
    /// To the shard that decodes.
    Home,
}

impl Plan {
    /// Compiles. The subscriptions are those of all detectors that the source reaches; their order numbers the parts.
    pub fn new(decoding: &Decoding, subscriptions: &[Subscription], sharding: Sharding) -> Result<Self, PlanError> {
        check(decoding, sharding)?;
        let asked = subscriptions.iter().map(|subscription| subscription.fields.len() + subscription.conditions.len()).sum();
        if asked > MAX_ASKED {
            return Err(PlanError::TooManyAsked(asked));
        }
        let mut paths = Paths { fields: &decoding.fields, known: Vec::new() };
        let time = decoding.time.as_ref().map(|time| paths.slot_of(time.field()));
        let mut cells = Vec::new();
        let readers =
            subscriptions.iter().enumerate().map(|(i, subscription)| Reader::new(i, subscription, sharding, &mut paths, &mut cells));
        let subscriptions = readers.collect::<Result<_, _>>()?;
        if let Some(path) = paths.known.iter().find(|path| path.matches('.').count() > MAX_POINTS) {
            return Err(PlanError::TooManyPoints(path.clone()));
        }
        let trie = Trie::new(paths.known.iter().map(String::as_str));
        let mut decoding = decoding.clone();
        decoding.max_event_bytes = decoding.max_event_bytes.min(Decoding::LONGEST_EVENT);
        Ok(Self { decoding, sharding, trie, slots: paths.known.len(), time, cells, subscriptions })
    }

    /// How many parts each batch is cut into: subscriptions times shards.
    pub fn parts(&self) -> usize {
        self.subscriptions.len() * self.sharding.shards
    }

    /// The shards that rows are dealt to.
    pub fn sharding(&self) -> Sharding {
        self.sharding
    }

    /// How the source is read.
    pub fn decoding(&self) -> &Decoding {
        &self.decoding
    }
}

fn check(decoding: &Decoding, sharding: Sharding) -> Result<(), PlanError> {
    if !(1..=256).contains(&sharding.shards) {
        return Err(PlanError::Shards(sharding.shards));
    }
    if decoding.annotation_key.is_empty() {
        return Err(PlanError::NoAnnotationKey);
    }
    match &decoding.encoding {
        Encoding::Csv { header: false, columns, .. } if columns.is_empty() => Err(PlanError::NoColumns),
        Encoding::Csv { delimiter: b'"' | b'\n' | b'\r', .. } => Err(PlanError::Delimiter),
        _ => Ok(()),
    }
}

/// The paths in the event, each with its slot.
struct Paths<'a> {
    fields: &'a [(String, String)],
    known: Vec<String>,
}

impl Paths<'_> {
    /// The slot of what a detector asks for by this name.
    fn slot_of_name(&mut self, name: &str) -> u16 {
        let path = self.fields.iter().find(|(asked, _)| asked == name).map_or(name, |(_, path)| path);
        self.slot_of(path)
    }

    fn slot_of(&mut self, path: &str) -> u16 {
        let known = self.known.iter().position(|known| known == path);
        known.unwrap_or_else(|| {
            self.known.push(path.to_owned());
            self.known.len() - 1
        }) as u16
    }
}

impl Reader {
    fn new(
        number: usize,
        subscription: &Subscription,
        sharding: Sharding,
        paths: &mut Paths<'_>,
        cells: &mut Vec<Asked>,
    ) -> Result<Self, PlanError> {
        let condition = |Condition { path, test, negate }: &Condition| (paths.slot_of_name(path), Ready::new(test), *negate);
        let conditions = subscription.conditions.iter().map(condition).collect();
        let mut columns = Vec::new();
        for field in &subscription.fields {
            let asked = Asked { slot: paths.slot_of_name(&field.path), kind: field.kind };
            let known = cells.iter().position(|cell| *cell == asked);
            columns.push(known.unwrap_or_else(|| {
                cells.push(asked);
                cells.len() - 1
            }) as u16);
        }
        let route = match &subscription.keying {
            Keying::Keyed(key) => {
                let cell = |&column: &u32| {
                    let missing = PlanError::NoSuchColumn { subscription: number, column, columns: columns.len() };
                    columns.get(column as usize).copied().ok_or(missing)
                };
                Route::Key(key.iter().map(cell).collect::<Result<_, _>>()?)
            }
            Keying::Global => Route::Shard(number % sharding.shards),
            Keying::Stateless => Route::Home,
        };
        let kinds = subscription.fields.iter().map(|field| field.kind).collect();
        Ok(Self { conditions, columns, kinds, route, timeless: subscription.timeless })
    }
}
