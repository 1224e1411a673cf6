//! From a core module to a component: what `wasm-tools component new` does, for whoever builds for `wasm32-unknown-unknown`.

use std::collections::HashSet;
use std::panic::catch_unwind;

use wasmparser::{Parser, Payload};
use wit_parser::Resolve;

/// The custom sections in which a module carries its contract begin so.
const SECTION: &str = "component-type";
const PACKAGES: usize = 64;

/// The component, or why there is none.
pub(crate) fn encode(module: &[u8]) -> Result<Vec<u8>, String> {
    // The encoder is made for what compilers wrote. Whatever else makes it give up must end as an error here, not as the end of us.
    let encoded = catch_unwind(|| {
        check_contract(module)?;
        let encoder = wit_component::ComponentEncoder::default().validate(true).module(module);
        encoder.and_then(|mut encoder| encoder.encode()).map_err(|error| format!("cannot be made a component: {error:#}"))
    });
    encoded.unwrap_or_else(|_| Err("cannot be made a component: the contract in it is damaged".to_owned()))
}

/// Fails where a module carries no contract, or one that the encoder would never come back from.
fn check_contract(module: &[u8]) -> Result<(), String> {
    let mut found = false;
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.map_err(|error| format!("is damaged: {error}"))?;
        if let Payload::CustomSection(section) = payload
            && section.name().starts_with(SECTION)
        {
            let (contract, _) = wit_parser::decoding::decode_world(section.data())
                .map_err(|error| format!("the contract in it cannot be read: {error:#}"))?;
            check_packages(&contract)?;
            found = true;
        }
    }
    if found {
        return Ok(());
    }
    Err(format!("does not say what contract it was built for (it has no section {SECTION}); build it with the SDK or wit-bindgen"))
}

/// Packages that depend on each other in a circle send the encoder into a recursion without end, which would end the process.
fn check_packages(contract: &Resolve) -> Result<(), String> {
    if contract.packages.len() > PACKAGES {
        return Err(format!("{} packages in its contract are more than {PACKAGES}", contract.packages.len()));
    }
    let mut free = HashSet::new();
    while free.len() < contract.packages.len() {
        let known = free.len();
        for (id, _) in contract.packages.iter() {
            if contract.package_direct_deps(id).all(|dependency| free.contains(&dependency)) {
                free.insert(id);
            }
        }
        if free.len() == known {
            return Err("the packages of the contract in it depend on each other in a circle".to_owned());
        }
    }
    Ok(())
}
