//! What survives what, and what does not: for those who are going to trust it.

use eyas_codec::OnBad;
use eyas_engine::{Feed, OnFault};
use eyas_state::Sync;

use crate::assembly::Assembly;
use crate::config::{ClientPlan, DoorPlan, ListenPlan, Plan, SendPlan, SinkKind, SinkPlan, SourceKind, SourcePlan};
use crate::text::bytes;

/// What survives the end of the program; nothing without a state folder.
pub fn safe_parts(plan: &Plan) -> Vec<String> {
    let Some(state) = &plan.top.state else { return Vec::new() };
    let synced = match state.sync {
        Sync::Always => "a power cut takes nothing that was acknowledged or given out".to_owned(),
        Sync::Interval(time) => format!("the end of the program takes nothing, a power cut at most the last {} s", time.as_secs_f64()),
    };
    let kept = if state.keep_log { ", and its input log is kept for replay" } else { "" };
    let mut lines = vec![
        format!("state is in {}, with a checkpoint every {} s{kept}", state.dir.display(), state.checkpoint.as_secs()),
        format!("of what is journalled {synced}"),
    ];
    for source in plan.sources.iter().filter(|source| !is_lost(source, plan)) {
        lines.push(match &source.kind {
            SourceKind::File { follow: false, .. } => format!("{}: read again after a restart, from where the checkpoint is", source.name),
            _ => format!("{}: journalled", source.name),
        });
    }
    for sink in plan.sinks.iter().filter(|sink| sink.place.is_some() && sink.has_outbox()) {
        let most = bytes(plan.top.outbox_bytes as u64);
        lines.push(format!("{}: what it has not taken is part of the checkpoint; events wait once that is {most}", sink.name));
    }
    lines
}

/// Whether what was inside is gone with the program.
fn is_lost(source: &SourcePlan, plan: &Plan) -> bool {
    source.may_be_live() && (plan.top.state.is_none() || !source.journal)
}

/// What may surprise those who trust it.
pub fn unsafe_parts(assembly: &Assembly) -> Vec<String> {
    let plan = &assembly.plan;
    let mut lines = Vec::new();
    if plan.top.state.is_none() && assembly.subscriptions.iter().any(|asked| !asked.timeless) {
        lines
            .push("state is kept in memory alone: windows that are open when the program ends do not survive it (no state_dir)".to_owned());
    }
    if plan.top.admin.is_some_and(|address| !address.ip().is_loopback()) {
        lines.push("[admin]: whoever reaches its address sees how much goes on here, and what goes wrong".to_owned());
    }
    plan.sources.iter().for_each(|source| unsafe_source(source, plan, &mut lines));
    for (number, detector) in plan.detectors.iter().enumerate() {
        if !assembly.has_taker(Feed::Alerts(number)) {
            lines.push(format!("{}: nobody takes its alerts", detector.name));
        }
        if detector.on_fault == OnFault::Stop {
            lines.push(format!("{}: an event that it fails over ends the run (on_fault = \"stop\")", detector.name));
        }
        if detector.reset_state {
            lines.push(format!("{}: state that it cannot read is thrown away (reset_state = true)", detector.name));
        }
    }
    for sink in &plan.sinks {
        if matches!(sink.kind, SinkKind::Blackhole) {
            lines.push(format!("{}: what it takes is gone", sink.name));
        }
        if let SinkKind::Network(sending) = &sink.kind {
            unsafe_sending(sink, sending, plan, &mut lines);
        }
    }
    if lines.is_empty() { vec!["nothing".to_owned()] } else { lines }
}

fn unsafe_source(source: &SourcePlan, plan: &Plan, lines: &mut Vec<String>) {
    let mut say = |what: &str| lines.push(format!("{}: {what}", source.name));
    if is_lost(source, plan) {
        let why = if plan.top.state.is_none() { "no state_dir" } else { "journal = false" };
        match source.kind {
            SourceKind::Stdin => say(&format!("what was read of a pipe and not yet written is lost if the program is killed ({why})")),
            SourceKind::File { .. } => say(&format!("what rotation takes away while the program is down is lost ({why})")),
            SourceKind::Network(_) => say(&format!("what was not acknowledged must be sent again if the program is killed ({why})")),
        }
    }
    if let SourceKind::Network(listening) = &source.kind {
        unsafe_listening(listening, &mut say);
    }
    match source.decoding.on_bad {
        OnBad::IngestTime => say("events without a time have the time of reading: another run gives other alerts"),
        OnBad::DeadLetter | OnBad::Pass => {}
    }
    if source.clock_on_idle {
        say("where it is silent time goes on by the clock: another run over the same events gives other alerts (on_idle = \"clock\")");
    }
    if source.decoding.max_future.is_none() && source.decoding.time.is_some() {
        say("one event from the far future makes all that follow late (max_future_secs = false)");
    }
}

fn unsafe_listening(listening: &ListenPlan, say: &mut dyn FnMut(&str)) {
    let reachable = listening.door.addresses().iter().any(|address| !address.ip().is_loopback());
    let known = matches!(&listening.door, DoorPlan::Forward { shared_key: Some(_), .. }) || listening.auth.is_some();
    let certified = listening.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
    if reachable && !known && !certified {
        let lacking = match &listening.door {
            DoorPlan::Http { .. } | DoorPlan::Otlp { .. } => "no auth",
            DoorPlan::Forward { .. } => "no shared_key",
            DoorPlan::Vector { .. } | DoorPlan::Socket { .. } => "no tls.verify_certificate",
        };
        say(&format!("whoever reaches its address can send events ({lacking})"));
    }
    if reachable && listening.tls.is_none() {
        say("whoever is on the way can read and change what is sent (no tls)");
    }
    if !listening.door.answers() {
        say("nobody is told what was taken: what was on the way when either side ended is lost");
    } else if listening.dedupe.is_none() {
        say("a request that comes again because its answer was lost counts twice (dedupe_secs = 0)");
    }
}

fn unsafe_sending(sink: &SinkPlan, sending: &SendPlan, plan: &Plan, lines: &mut Vec<String>) {
    let mut say = |what: &str| lines.push(format!("{}: {what}", sink.name));
    if plan.top.state.is_none() && sink.has_outbox() {
        let most = bytes(plan.top.outbox_bytes as u64);
        say(&format!("what it has not taken, at most {most}, is in memory alone (no state_dir)"));
    }
    if sending.drop_newest {
        say("what it has no room for is dropped, and counted (when_full = \"drop_newest\")");
    }
    match &sending.client {
        ClientPlan::Socket { .. } => say("what was on the way when the other side ended is lost: a socket has no answer"),
        ClientPlan::Forward { require_ack: false, .. } => {
            say("what was on the way when the other side ended is lost (require_ack_response = false)")
        }
        _ => {}
    }
    match &sending.tls {
        Some(tls) if !tls.verify_certificate => {
            say("whoever is on the way may pretend to be the receiver (tls.verify_certificate = false)")
        }
        Some(tls) if !tls.verify_hostname => {
            say("whoever has a certificate of that authority may pretend to be the receiver (tls.verify_hostname = false)")
        }
        None if sending.auth.is_some() => say("whoever is on the way can read the secret of auth (no tls)"),
        _ => {}
    }
}
