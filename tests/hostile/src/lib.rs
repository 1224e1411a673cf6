//! Guests that do wrong, as a compiler would never make them: core modules written in WebAssembly's text format, for tests.
//!
//! A [`Guest`] is a detector that does nothing, until a test gives some of its exports other bodies:
//!
//! ```
//! let bytes = eyas_hostile::Guest::new().on("process", "(loop $again (br $again))").build();
//! ```
//!
//! Bodies call the host by `$interface.function` with the flat parameters of the canonical ABI (strings and lists: pointer and length;
//! results that do not fit one value: a pointer to where they go). `$name` is the address of a text of [`Guest::text`].

mod alert;
mod imports;

use std::fmt::Write;
use std::path::Path;

pub use alert::AlertRecord;
use imports::IMPORTS;
use wit_component::StringEncoding;
use wit_parser::Resolve;

/// Where bodies may have results put; 256 bytes.
pub const SCRATCH: u32 = 256;
/// Where texts and records of tests go.
const DATA: u32 = 4096;
/// Where `cabi_realloc` begins to give memory.
const HEAP: u32 = 1 << 20;

/// A core module that is a detector.
#[derive(Clone, Debug)]
pub struct Guest {
    description: [String; 4],
    exports: Vec<(String, String)>,
    data: Vec<u8>,
    imports: String,
    imports_all: bool,
    more: String,
    realloc: String,
    without: Vec<String>,
    contract: String,
    start_pages: u32,
}

impl Default for Guest {
    fn default() -> Self {
        Self::new()
    }
}

impl Guest {
    /// A detector that subscribes to nothing and finds nothing.
    pub fn new() -> Self {
        let description = ["hostile", "1.0.0", "does wrong", "{}"].map(str::to_owned);
        let empty = |name: &str| (name.to_owned(), String::new());
        Self {
            description,
            exports: ["configure", "process", "advance", "flush", "snapshot", "restore", "describe"].map(empty).to_vec(),
            data: Vec::new(),
            imports: String::new(),
            imports_all: false,
            more: String::new(),
            realloc: String::new(),
            without: Vec::new(),
            contract: contract("0.1.0-rc.1"),
            start_pages: 32,
        }
    }

    /// What an export does before it returns what is right. Parameters: `process` has `$rows`, `advance` `$watermark`, `snapshot` `$scope`,
    /// `configure` `$config` and `$length`. All have the locals `$i`, `$j` (i32) and `$t` (i64).
    #[must_use]
    pub fn on(mut self, export: &str, body: &str) -> Self {
        for (name, known) in &mut self.exports {
            if name == export {
                known.push_str(body);
            }
        }
        self
    }

    /// What `cabi_realloc` does first.
    #[must_use]
    pub fn on_realloc(mut self, body: &str) -> Self {
        self.realloc.push_str(body);
        self
    }

    /// More fields of the module: functions, globals.
    #[must_use]
    pub fn with(mut self, fields: &str) -> Self {
        self.more.push_str(fields);
        self
    }

    /// An import that is not the contract's, as a field of the module.
    #[must_use]
    pub fn importing(mut self, import: &str) -> Self {
        self.imports.push_str(import);
        self
    }

    /// Imports every function of the contract, called or not.
    #[must_use]
    pub fn importing_all(mut self) -> Self {
        self.imports_all = true;
        self
    }

    /// Leaves an export out.
    #[must_use]
    pub fn without(mut self, export: &str) -> Self {
        self.without.push(export.to_owned());
        self
    }

    /// Name, version, summary and configuration schema.
    #[must_use]
    pub fn described(mut self, description: [&str; 4]) -> Self {
        self.description = description.map(str::to_owned);
        self
    }

    /// Built for another version of the contract, or for a contract that was changed.
    #[must_use]
    pub fn for_contract(mut self, wit: String) -> Self {
        self.contract = wit;
        self
    }

    /// How many pages of memory it begins with.
    #[must_use]
    pub fn pages(mut self, pages: u32) -> Self {
        self.start_pages = pages;
        self
    }

    /// Puts bytes into its memory and gives their address.
    pub fn bytes(&mut self, bytes: &[u8]) -> u32 {
        self.data.resize(self.data.len().next_multiple_of(8), 0);
        let address = DATA + self.data.len() as u32;
        self.data.extend(bytes);
        address
    }

    /// Puts a text into its memory and gives "(i32.const ADDRESS) (i32.const LENGTH)".
    pub fn text(&mut self, text: &str) -> String {
        format!("(i32.const {}) (i32.const {})", self.bytes(text.as_bytes()), text.len())
    }

    /// The module, with the contract that it was built for in it.
    pub fn build(mut self) -> Vec<u8> {
        let description = self.describe_record();
        let mut text = String::from("(module\n");
        let version = self.version();
        for (interface, function, signature) in IMPORTS.iter().filter(|(interface, function, _)| self.calls(interface, function)) {
            let _ = writeln!(
                text,
                "(import \"eyas:detector/{interface}@{version}\" \"{function}\" (func ${interface}.{function} {signature}))"
            );
        }
        text.push_str(&self.imports);
        let _ = writeln!(text, "(memory (export \"memory\") {})", self.start_pages.max(HEAP.div_ceil(65536) + 1));
        text.push_str(&self.allocator());
        for (name, body) in &self.exports {
            text.push_str(&self.export(name, body, description));
        }
        let _ = writeln!(text, "(data (i32.const {DATA}) \"{}\")", escaped(&self.data));
        text.push_str(&self.more);
        text.push(')');
        encode(&text, &self.contract)
    }

    fn version(&self) -> &str {
        let line = self.contract.lines().find_map(|line| line.strip_prefix("package eyas:detector@"));
        line.map_or("0.1.0-rc.1", |rest| rest.trim_end_matches(';'))
    }

    /// Whether a function is to be imported.
    fn calls(&self, interface: &str, function: &str) -> bool {
        if self.imports_all {
            return true;
        }
        let call = format!("(call ${interface}.{function})");
        let call_with = format!("(call ${interface}.{function} ");
        let bodies = self.exports.iter().map(|(_, body)| body).chain([&self.more, &self.realloc]);
        bodies.into_iter().any(|body| body.contains(&call) || body.contains(&call_with))
    }

    fn allocator(&self) -> String {
        let first = &self.realloc;
        format!(
            "(global $heap (mut i32) (i32.const {HEAP}))
             (func $realloc (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32)
               (local $i i32) (local $j i32) (local $t i64) (local $given i32)
               {first}
               (local.set $given (global.get $heap))
               (global.set $heap (i32.and (i32.add (i32.add (global.get $heap) (local.get 3)) (i32.const 15)) (i32.const -8)))
               (block $enough (loop $more
                 (br_if $enough (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
                 (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then (unreachable)))
                 (br $more)))
               (local.get $given))\n"
        )
    }

    fn export(&self, name: &str, body: &str, description: u32) -> String {
        if self.without.iter().any(|left_out| left_out == name) {
            return String::new();
        }
        let (signature, result) = match name {
            "describe" => ("(result i32)", format!("(i32.const {description})")),
            "configure" => ("(param $config i32) (param $length i32) (result i32)", "(i32.const 0)".to_owned()),
            "restore" => ("(result i32)", "(i32.const 0)".to_owned()),
            "process" => ("(param $rows i32)", String::new()),
            "advance" => ("(param $watermark i64)", String::new()),
            "snapshot" => ("(param $scope i32)", String::new()),
            _ => ("", String::new()),
        };
        let version = self.version();
        format!(
            "(func (export \"eyas:detector/guest@{version}#{name}\") {signature} (local $i i32) (local $j i32) (local $t i64)
               {body} {result})\n"
        )
    }

    fn describe_record(&mut self) -> u32 {
        let [name, version, summary, schema] = self.description.clone().map(|text| (self.bytes(text.as_bytes()), text.len() as u32));
        let words = [name.0, name.1, version.0, version.1, 1, summary.0, summary.1, schema.0, schema.1, 0, 0];
        let record: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.bytes(&record)
    }
}

/// The text of the contract, with another version.
pub fn contract(version: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/0.1.0-rc.1/detector.wit");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    text.replace("package eyas:detector@0.1.0-rc.1;", &format!("package eyas:detector@{version};"))
}

/// A core module from its text, with the contract embedded.
#[allow(clippy::expect_used, reason = "for tests: a guest that is not even WebAssembly is a mistake in the test")]
pub fn encode(text: &str, contract: &str) -> Vec<u8> {
    let mut module = wat::parse_str(text).expect(text);
    let mut resolve = Resolve::default();
    let package = resolve.push_str("detector.wit", contract).expect("the contract can be read");
    let world = resolve.select_world(&[package], Some("detector")).expect("the contract has a world");
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("the contract can be embedded");
    module
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}
