//! Figures, behind the C ABI of src/report/figures_c.h.

// The contract of each exported function is in that header.
#![allow(clippy::missing_safety_doc)]

mod draw;
mod encode;
mod figure;
mod label;
mod legend;
mod markup;
mod path;
mod refine;
mod scale;
mod strip;
mod text;
mod ticks;

use c_abi::{guarded, slice, Bytes};

use crate::figure::Figure;
use crate::label::Notes;

const SVG: i32 = 0;
const PNG: i32 = 1;
const PDF: i32 = 2;

const MOST_NAMED: usize = 5;

/// A note about characters that the font lacks.
fn note_missing(figure: &Figure, notes: &mut Notes) -> Result<(), String> {
    let mut texts = vec![
        &figure.title,
        &figure.x.label,
        &figure.y.label,
        &figure.caption,
    ];
    texts.extend(figure.strip.iter().map(|strip| &strip.label));
    texts.extend(figure.color_bar.iter().map(|bar| &bar.label));
    texts.extend(figure.legend.iter().map(|entry| &entry.label));
    let all: String = texts.into_iter().map(String::as_str).collect();
    let missing = text::missing(&all)?;
    if missing.is_empty() {
        return Ok(());
    }
    let name = |character: &char| format!("{character} (U+{:04X})", u32::from(*character));
    let mut named: Vec<String> = missing.iter().take(MOST_NAMED).map(name).collect();
    if missing.len() > MOST_NAMED {
        named.push(format!("and {} more", missing.len() - MOST_NAMED));
    }
    notes.push(format!(
        "the built-in font lacks {}: drawn as boxes",
        named.join(", ")
    ));
    Ok(())
}

fn draw(json: &[u8], format: i32) -> Result<(Vec<u8>, Notes), String> {
    let figure: Figure = serde_json::from_slice(json).map_err(|e| e.to_string())?;
    let (width_in, height_in) = (figure.width_in, figure.height_in);
    let mut notes = Notes::new();
    if format != SVG {
        note_missing(&figure, &mut notes)?;
    }
    let svg = draw::svg(figure, &mut notes)?;
    encode::note_cut(&svg, &mut notes)?;
    let bytes = match format {
        SVG => svg.into_bytes(),
        PNG => encode::png(&svg, width_in, height_in)?,
        PDF => encode::pdf(&svg)?,
        _ => return Err(format!("format {format} is not known")),
    };
    Ok((bytes, notes))
}

#[no_mangle]
pub unsafe extern "C" fn qk_figures_draw(
    json: *const u8,
    size: usize,
    format: i32,
    figure: *mut Bytes,
    notes: *mut Bytes,
    error: *mut Bytes,
) -> i32 {
    guarded("plotters", error, || {
        let (bytes, lines) = draw(slice(json, size), format)?;
        figure.write(Bytes::new(bytes));
        notes.write(Bytes::new(lines.join("\n")));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn qk_figures_free(bytes: Bytes) {
    bytes.free();
}
