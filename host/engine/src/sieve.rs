//! Taking rows out of a part. Rare: behind a detector that drops, and around an event over which a detector fails.

use std::sync::Arc;

use eyas_event::{Bits, Column, Part, Strings, Values};

/// The part without the rows of the batch that are in `dropped` (sorted).
pub(crate) fn without(part: Part, dropped: &[u32]) -> Part {
    let stays = |row: &u32| dropped.binary_search(row).is_err();
    if part.rows.iter().all(stays) {
        return part;
    }
    let keep: Vec<usize> = part.rows.iter().enumerate().filter(|(_, row)| stays(row)).map(|(index, _)| index).collect();
    pick(&part, &keep)
}

/// Some rows of a part, in order.
pub(crate) fn pick(part: &Part, keep: &[usize]) -> Part {
    let late = Bits::pack(keep.iter().map(|&index| part.late.get(index)));
    Part {
        rows: keep.iter().filter_map(|&index| part.rows.get(index).copied()).collect(),
        times: numbers(&part.times, keep),
        watermarks: numbers(&part.watermarks, keep),
        keys: strings(&part.keys, keep),
        hashes: numbers(&part.hashes, keep),
        late: if part.late.bytes.is_empty() { Bits::default() } else { late },
        columns: part.columns.iter().map(|column| select(column, keep)).collect(),
        events: part.events.clone(),
    }
}

fn select(column: &Column, keep: &[usize]) -> Column {
    let values = match &column.values {
        Values::Text(values) => Values::Text(strings(values, keep)),
        Values::Bytes(values) => Values::Bytes(strings(values, keep)),
        Values::Raw(values) => Values::Raw(strings(values, keep)),
        Values::S64(values) => Values::S64(numbers(values, keep)),
        Values::U64(values) => Values::U64(numbers(values, keep)),
        Values::F64(values) => Values::F64(numbers(values, keep)),
        Values::Timestamp(values) => Values::Timestamp(numbers(values, keep)),
        Values::Boolean(values) => Values::Boolean(numbers(values, keep)),
        Values::Ip(values) => Values::Ip(Arc::new(keep.iter().flat_map(|&index| address(values, index)).copied().collect())),
    };
    Column { values, states: numbers(&column.states, keep) }
}

fn address(values: &[u8], index: usize) -> &[u8] {
    values.get(index * 16..index * 16 + 16).unwrap_or_default()
}

/// Empty stays empty: it says the same of all rows.
fn numbers<T: Copy>(values: &Arc<Vec<T>>, keep: &[usize]) -> Arc<Vec<T>> {
    Arc::new(keep.iter().filter_map(|&index| values.get(index).copied()).collect())
}

fn strings(values: &Strings, keep: &[usize]) -> Strings {
    if values.rows() == 0 {
        return values.clone();
    }
    let mut data = Vec::new();
    let mut offsets = vec![0];
    for &index in keep {
        data.extend_from_slice(values.get(index));
        offsets.push(data.len() as u32);
    }
    Strings { offsets: Arc::new(offsets), data: Arc::new(data) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dropped_rows_are_gone_from_every_column() {
        let text = Strings { offsets: Arc::new(vec![0, 1, 3, 6]), data: Arc::new(b"abbccc".to_vec()) };
        let part = Part {
            rows: vec![2, 5, 9],
            times: Arc::new(vec![20, 50, 90]),
            watermarks: Arc::new(vec![1, 2, 3]),
            keys: text.clone(),
            hashes: Arc::new(vec![7, 8, 9]),
            columns: vec![
                Column { values: Values::Text(text), states: Arc::new(vec![0, 1, 0]) },
                Column { values: Values::Ip(Arc::new((0..48).collect())), states: Arc::default() },
            ],
            ..Part::default()
        };
        assert_eq!(without(part.clone(), &[1, 3]).rows, [2, 5, 9]);
        let rest = without(part, &[5]);
        assert_eq!((rest.rows, rest.times.as_slice(), rest.hashes.as_slice()), (vec![2, 9], &[20, 90][..], &[7, 9][..]));
        assert_eq!((rest.keys.get(0), rest.keys.get(1)), (&b"a"[..], &b"ccc"[..]));
        assert_eq!(rest.columns[0].states.as_slice(), [0, 0]);
        let Values::Ip(addresses) = &rest.columns[1].values else { panic!("another type") };
        assert_eq!((addresses.len(), addresses[16]), (32, 32));
    }
}
