//! A file that is only looked at: what is written to it stays in memory. A store that was not closed, as after a kill, has to be repaired
//! before it can be read, and looking at it must not do that to the file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

const PAGE: u64 = 4096;

/// A file and what is laid over it.
#[derive(Debug)]
pub struct Overlay {
    file: File,
    over: Mutex<Over>,
}

#[derive(Debug)]
struct Over {
    length: u64,
    /// How much of the file still counts.
    below: u64,
    pages: BTreeMap<u64, Vec<u8>>,
}

impl Overlay {
    /// Over a file that has been opened to be read.
    pub fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file, over: Mutex::new(Over { length, below: length, pages: BTreeMap::new() }) })
    }

    fn over(&self) -> MutexGuard<'_, Over> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page as it stands in the file.
    fn below(&self, number: u64, over: &Over) -> io::Result<Vec<u8>> {
        let mut page = vec![0; PAGE as usize];
        let there = over.below.saturating_sub(number * PAGE).min(PAGE);
        if let Some(part) = page.get_mut(..there as usize) {
            self.file.read_exact_at(part, number * PAGE)?;
        }
        Ok(page)
    }
}

/// The pages that some bytes lie in: each with where in it they begin, and how many there are.
fn pages(mut offset: u64, length: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let end = offset + length as u64;
    std::iter::from_fn(move || {
        let (number, start) = (offset / PAGE, offset % PAGE);
        let count = (PAGE - start).min(end - offset);
        offset += count;
        (count > 0).then_some((number, start as usize, count as usize))
    })
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.over().length)
    }

    fn read(&self, offset: u64, mut out: &mut [u8]) -> io::Result<()> {
        let over = self.over();
        if offset.saturating_add(out.len() as u64) > over.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for (number, start, count) in pages(offset, out.len()) {
            let below;
            let page = match over.pages.get(&number) {
                Some(page) => page,
                None => {
                    below = self.below(number, &over)?;
                    &below
                }
            };
            let (part, rest) = out.split_at_mut(count);
            part.copy_from_slice(page.get(start..start + count).unwrap_or_default());
            out = rest;
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut over = self.over();
        // What is cut off here must be zero, should the file grow again.
        if length < over.length {
            let last = length / PAGE;
            over.pages.split_off(&(last + 1));
            let mut page = match over.pages.remove(&last) {
                Some(page) => page,
                None => self.below(last, &over)?,
            };
            page.iter_mut().skip((length % PAGE) as usize).for_each(|byte| *byte = 0);
            over.pages.insert(last, page);
            over.below = over.below.min(length);
        }
        over.length = length;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, mut data: &[u8]) -> io::Result<()> {
        let mut over = self.over();
        for (number, start, count) in pages(offset, data.len()) {
            if !over.pages.contains_key(&number) {
                let page = self.below(number, &over)?;
                over.pages.insert(number, page);
            }
            let (part, rest) = data.split_at(count);
            if let Some(place) = over.pages.get_mut(&number).and_then(|page| page.get_mut(start..start + count)) {
                place.copy_from_slice(part);
            }
            data = rest;
        }
        Ok(())
    }
}
