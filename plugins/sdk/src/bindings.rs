//! The WebAssembly side: types and calls generated from the contract, and the few functions that connect them to an [`Instance`](crate::Instance).
//!
//! Natively the types are used as they are, and nothing here is called.
#![allow(unsafe_code, missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the contract")]

wit_bindgen::generate!({
    path: "../../wit/0.1.0-rc.1",
    world: "detector",
    pub_export_macro: true,
    export_macro_name: "export_guest",
    default_bindings_module: "eyas_sdk::bindings",
    additional_derives: [PartialEq],
});
