//! Values out, each in the shortest way.

/// Appends nil.
pub fn put_nil(out: &mut Vec<u8>) {
    out.push(0xc0);
}

/// Appends a truth value.
pub fn put_bool(truth: bool, out: &mut Vec<u8>) {
    out.push(if truth { 0xc3 } else { 0xc2 });
}

/// Appends a whole number that is not negative.
pub fn put_uint(number: u64, out: &mut Vec<u8>) {
    match number {
        0..=0x7f => out.push(number as u8),
        0x80..=0xff => out.extend_from_slice(&[0xcc, number as u8]),
        0x100..=0xffff => put(0xcd, &(number as u16).to_be_bytes(), out),
        0x1_0000..=0xffff_ffff => put(0xce, &(number as u32).to_be_bytes(), out),
        _ => put(0xcf, &number.to_be_bytes(), out),
    }
}

/// Appends a whole number.
pub fn put_int(number: i64, out: &mut Vec<u8>) {
    match number {
        0.. => put_uint(number as u64, out),
        -32..0 => out.push(number as u8),
        -0x80..-32 => put(0xd0, &(number as i8).to_be_bytes(), out),
        -0x8000..-0x80 => put(0xd1, &(number as i16).to_be_bytes(), out),
        -0x8000_0000..-0x8000 => put(0xd2, &(number as i32).to_be_bytes(), out),
        _ => put(0xd3, &number.to_be_bytes(), out),
    }
}

/// Appends a number.
pub fn put_float(number: f64, out: &mut Vec<u8>) {
    put(0xcb, &number.to_bits().to_be_bytes(), out);
}

/// Appends a text.
pub fn put_str(text: &str, out: &mut Vec<u8>) {
    match text.len() {
        length @ 0..=0x1f => out.push(0xa0 | length as u8),
        length => put_length([Some(0xd9), Some(0xda), Some(0xdb)], length, out),
    }
    out.extend_from_slice(text.as_bytes());
}

/// Appends bytes.
pub fn put_bin(bytes: &[u8], out: &mut Vec<u8>) {
    put_bin_head(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// Appends the head of so many bytes.
pub fn put_bin_head(length: usize, out: &mut Vec<u8>) {
    put_length([Some(0xc4), Some(0xc5), Some(0xc6)], length, out);
}

/// Appends the head of a list; so many values are to follow.
pub fn put_array(items: usize, out: &mut Vec<u8>) {
    match items {
        0..=0x0f => out.push(0x90 | items as u8),
        _ => put_length([None, Some(0xdc), Some(0xdd)], items, out),
    }
}

/// Appends the head of a map; so many keys, each with its value, are to follow.
pub fn put_map(pairs: usize, out: &mut Vec<u8>) {
    match pairs {
        0..=0x0f => out.push(0x80 | pairs as u8),
        _ => put_length([None, Some(0xde), Some(0xdf)], pairs, out),
    }
}

/// Appends the head of a map in the place of one that begins with `like`, and is at least as long as that.
pub(crate) fn put_map_like(like: u8, pairs: usize, out: &mut Vec<u8>) {
    match like {
        0xdf => put(0xdf, &(pairs as u32).to_be_bytes(), out),
        0xde if pairs <= 0xffff => put(0xde, &(pairs as u16).to_be_bytes(), out),
        _ => put_map(pairs, out),
    }
}

/// Appends a length by the shortest of the heads for one, two and four bytes.
fn put_length([one, two, four]: [Option<u8>; 3], length: usize, out: &mut Vec<u8>) {
    match (one, two, four) {
        (Some(one), ..) if length <= 0xff => out.extend_from_slice(&[one, length as u8]),
        (_, Some(two), _) if length <= 0xffff => put(two, &(length as u16).to_be_bytes(), out),
        (.., four) => put(four.unwrap_or_default(), &(length as u32).to_be_bytes(), out),
    }
}

fn put(first: u8, rest: &[u8], out: &mut Vec<u8>) {
    out.push(first);
    out.extend_from_slice(rest);
}
