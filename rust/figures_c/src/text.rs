//! The only font of the figures, which is part of the program, and the size of texts set in it.

use plotters::style::{register_font, FontDesc, FontFamily, FontStyle, FontTransform};

/// SVG viewers without it fall back to narrower fonts, so that nothing overlaps.
pub const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";
pub static FONT: &[u8] = include_bytes!("../fonts/DejaVuSans.ttf");

/// Coordinates of the drawing: 1000 units per inch.
pub const UNITS_PER_INCH: f64 = 1000.0;

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

/// In units; a few per cent more than the drawn text occupies.
pub fn width(text: &str, points: f64) -> Result<i32, String> {
    let ((left, _), (right, _)) = font(points).layout_box(text).map_err(|e| e.to_string())?;
    Ok(right - left)
}

/// Breaks the text at spaces: every line with more than one word is at most `limit` units wide.
pub fn wrap(text: &str, points: f64, limit: i32) -> Result<Vec<String>, String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        if let Some(last) = lines.last_mut() {
            let longer = format!("{last} {word}");
            if width(&longer, points)? <= limit {
                *last = longer;
                continue;
            }
        }
        lines.push(word.to_string());
    }
    Ok(lines)
}
