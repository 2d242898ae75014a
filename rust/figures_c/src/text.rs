//! The only font of the figures, which is part of the program, and the size of texts set in it.

use plotters::style::{register_font, FontDesc, FontFamily, FontStyle, FontTransform};
use ttf_parser::Face;

use crate::markup;

/// SVG viewers without it fall back to narrower fonts, so that nothing overlaps.
pub const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";
pub static FONT: &[u8] = include_bytes!("../fonts/DejaVuSans.ttf");

/// Coordinates of the drawing: 1000 units per inch.
pub const UNITS_PER_INCH: f64 = 1000.0;

/// Measured against drawn width: plotters takes the font for larger than it is drawn.
const MEASURE: f64 = 1.065;
/// A character that the font lacks: a viewer of SVG may take it from a font with wide ones.
const MISSING_EM: f64 = 1.3;

pub fn units(points: f64) -> i32 {
    (points * UNITS_PER_INCH / 72.0).round() as i32
}

/// plotters' sizes are 1.24 em.
pub fn font(points: f64) -> FontDesc<'static> {
    FontDesc::new(
        FontFamily::Name(FAMILY),
        points * UNITS_PER_INCH / 72.0 * 1.24,
        FontStyle::Normal,
    )
}

pub fn sideways(points: f64) -> FontDesc<'static> {
    font(points).transform(FontTransform::Rotate270)
}

pub fn register() -> Result<(), String> {
    register_font(FAMILY, FontStyle::Normal, FONT)
        .map_err(|_| "the built-in font cannot be read".to_string())
}

fn face() -> Result<Face<'static>, String> {
    Face::parse(FONT, 0).map_err(|error| error.to_string())
}

/// Characters that show nothing, in any font: joiners, marks of direction, selectors of variants.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
        | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{E0000}'..='\u{E0FFF}')
}

fn is_missing(face: &Face, character: char) -> bool {
    !is_invisible(character) && !markup::is_mark(character) && face.glyph_index(character).is_none()
}

/// The characters of the text that the font lacks, each once.
pub fn missing(text: &str) -> Result<Vec<char>, String> {
    let face = face()?;
    let mut out = Vec::new();
    for character in text.chars() {
        if is_missing(&face, character) && !out.contains(&character) {
            out.push(character);
        }
    }
    Ok(out)
}

/// As drawn, in em; of a text without marks.
pub fn em_width(text: &str) -> Result<f64, String> {
    let face = face()?;
    let em = f64::from(face.units_per_em());
    let of = |character| match face.glyph_index(character) {
        Some(glyph) => f64::from(face.glyph_hor_advance(glyph).unwrap_or(0)) / em,
        None if is_invisible(character) => 0.0,
        None => MISSING_EM,
    };
    Ok(text.chars().map(of).sum())
}

/// In units; a few per cent more than the drawn text occupies.
pub fn width(text: &str, points: f64) -> Result<i32, String> {
    if markup::is_marked(text) || !missing(text)?.is_empty() {
        let em = markup::em_width(text)?;
        return Ok((em * MEASURE * points * UNITS_PER_INCH / 72.0).ceil() as i32);
    }
    let ((left, _), (right, _)) = font(points).layout_box(text).map_err(|e| e.to_string())?;
    Ok(right - left)
}
