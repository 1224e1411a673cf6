//! Giving detectors the state of a checkpoint.

use eyas_codec::Sharding;
use eyas_event::{Entries, Keying};
use eyas_plugin::{RestoreError, Scope};
use eyas_state::{Checkpoint, DetectorState};

use crate::engine::Manned;
use crate::layout::Layout;
use crate::recovery::deal;
use crate::{EngineError, Settings, State, Topology};

/// By detector and shard: its entries.
pub(crate) type Kept = Vec<Vec<Vec<Entries>>>;

/// Whether a checkpoint can be gone on from with this configuration.
pub(crate) fn check(checkpoint: &Checkpoint, topology: &Topology, settings: &Settings) -> Result<(), EngineError> {
    let mismatch = |message: String| Err(EngineError::Mismatch(message));
    if checkpoint.seed != settings.seed {
        return mismatch("the state was made with another seed: put that one back, or begin anew with --fresh".to_owned());
    }
    for (index, name) in checkpoint.sources.iter().enumerate() {
        if topology.sources.get(index).is_none_or(|source| source.name != *name) {
            let place = index + 1;
            return mismatch(format!(
                "source {place} was {name:?} when the state was made, and state names sources by their place: keep them in order, add new \
                 ones behind them, or begin anew with --fresh"
            ));
        }
    }
    for known in &checkpoint.detectors {
        if topology.detectors.iter().all(|detector| detector.name != known.name) {
            let name = &known.name;
            return mismatch(format!(
                "there is state of a detector {name:?}, which the configuration does not have: bring it back, or `eyas state drop` it"
            ));
        }
    }
    Ok(())
}

/// The entries of all detectors, dealt out to the shards.
pub(crate) fn entries(topology: &Topology, state: Option<&State>, layout: &Layout) -> Result<Kept, EngineError> {
    let shards = layout.shards;
    let sharding = Sharding { shards, seed: 0 };
    let mut kept = Kept::new();
    for (index, (detector, known)) in topology.detectors.iter().zip(&layout.detectors).enumerate() {
        let entries = match state.filter(|state| state.recovery.checkpoint.is_some()) {
            Some(state) => state.store.entries(&detector.name)?,
            None => Vec::new(),
        };
        let global = index % shards;
        let owner = |group: u8| if matches!(known.keying, Keying::Global) { global } else { sharding.owner(group) };
        kept.push(deal(entries, shards, owner));
    }
    Ok(kept)
}

/// Gives all instances their entries, those of each shard on a thread of its own.
pub(crate) fn all(
    mut manned: Vec<Vec<Option<Manned>>>,
    mut kept: Kept,
    topology: &Topology,
    checkpoint: Option<&Checkpoint>,
) -> Result<Vec<Vec<Option<Manned>>>, EngineError> {
    let Some(checkpoint) = checkpoint else { return Ok(manned) };
    let mut of_shard = |shard: usize| kept.iter_mut().map(|kept| kept.get_mut(shard).map(std::mem::take).unwrap_or_default()).collect();
    let kept: Vec<Vec<Vec<Entries>>> = (0..manned.len()).map(&mut of_shard).collect();
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for (manned, kept) in manned.iter_mut().zip(kept) {
            threads.push(scope.spawn(move || instances(manned, kept, topology, checkpoint)));
        }
        threads.into_iter().enumerate().try_for_each(|(shard, thread)| thread.join().map_err(|_| EngineError::Broken(shard))?)
    })?;
    Ok(manned)
}

/// Gives the instances of one shard their entries.
fn instances(
    instances: &mut [Option<Manned>],
    kept: Vec<Vec<Entries>>,
    topology: &Topology,
    checkpoint: &Checkpoint,
) -> Result<(), EngineError> {
    for ((manned, entries), detector) in instances.iter_mut().zip(kept).zip(&topology.detectors) {
        let known = checkpoint.detectors.iter().find(|known| known.name == detector.name);
        let (Some(manned), Some(known)) = (manned, known) else { continue };
        if entries.is_empty() {
            continue;
        }
        match manned.instance.restore(known.state_version, known.config.clone(), entries.clone()) {
            Ok(()) => manned.entries = present(manned, known, entries),
            Err(RestoreError::Refused(reason)) if detector.reset_state => {
                tracing::warn!(detector = detector.name, "begins anew, without its state, as reset_state says: {reason}");
                manned.instance = manned.recipe.instantiate().map_err(|source| refused(detector, source))?;
            }
            Err(error) => {
                let name = &detector.name;
                let rows: usize = entries.iter().map(Entries::rows).sum();
                return Err(EngineError::Mismatch(format!(
                    "detector {name}: {error}; {rows} entries would be lost: put its configuration or plugin back, or set \
                     detectors.{name}.reset_state = true to begin anew without them"
                )));
            }
        }
    }
    Ok(())
}

fn refused(detector: &crate::Detector, source: eyas_plugin::PluginError) -> EngineError {
    EngineError::Detector { detector: detector.name.clone(), source }
}

/// The entries that an instance was given, as its own plugin and configuration would have given them.
fn present(manned: &mut Manned, known: &DetectorState, entries: Vec<Entries>) -> Vec<Entries> {
    let recipe = &manned.recipe;
    if known.state_version == recipe.plugin.description().state_version && known.config == recipe.config.config {
        return entries;
    }
    // One that fails over this fails again over the first checkpoint, where it is seen to.
    manned.instance.snapshot(Scope::Full).unwrap_or_default()
}
