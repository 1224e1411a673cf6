//! What the documents show is what happens: their commands are run, their files are used, their output is compared.
