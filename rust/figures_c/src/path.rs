//! Lines, dashed ones too, filled areas and hatched cells.

use plotters::prelude::*;
use plotters::style::Color;

use crate::draw::{rgb, stroke, text_of, Chart};
use crate::figure::{Cell, Line, Rgb};
use crate::text::units;

/// A stroke width of n * DASH_STEP + w stands for a line of width w in dash pattern n, until
/// refine.rs writes it so: plotters has no dashes in SVG.
pub const DASH_STEP: u32 = 1_000_000;
/// Lengths of strokes and gaps in points.
const DASHES: [&[f64]; 4] = [&[5.0, 3.0], &[1.5, 2.5], &[8.0, 2.5, 1.5, 2.5], &[2.5, 1.5]];
const HATCH_PT: f64 = 4.0; // between the lines
const HATCH_WIDTH_PT: f64 = 0.7;

/// The dash pattern of a stroke width; None: solid.
pub fn pattern(stroke_width: u32) -> Option<&'static [f64]> {
    let number = (stroke_width / DASH_STEP) as usize;
    number
        .checked_sub(1)
        .and_then(|index| DASHES.get(index).copied())
}

/// A stroke in dash pattern `dash`; 0: solid.
pub fn dashed_stroke(color: impl Color, width_pt: f64, dash: usize) -> ShapeStyle {
    let mut style = stroke(color, width_pt);
    style.stroke_width += dash.min(DASHES.len()) as u32 * DASH_STEP;
    style
}

pub fn draw_path(chart: &mut Chart, line: &Line) -> Result<(), String> {
    let color = rgb(line.color).mix(line.opacity);
    if line.filled {
        let area = Polygon::new(line.points.clone(), color.filled());
        chart.draw_series(std::iter::once(area)).map_err(text_of)?;
        return Ok(());
    }
    let style = dashed_stroke(color, line.width_pt, line.dash);
    let path = PathElement::new(line.points.clone(), style);
    chart.draw_series(std::iter::once(path)).map_err(text_of)?;
    Ok(())
}

/// Black on light colours, white on dark ones.
fn contrast(color: Rgb) -> RGBColor {
    let [red, green, blue] = color.map(f64::from);
    if 0.299 * red + 0.587 * green + 0.114 * blue > 140.0 {
        BLACK
    } else {
        WHITE
    }
}

/// Ends of the lines y - x = k * step within the rectangle.
fn diagonals(x: (i32, i32), y: (i32, i32), step: i32) -> Vec<[(i32, i32); 2]> {
    let first = (y.0 - x.1).div_euclid(step) + 1;
    let last = (y.1 - x.0).div_euclid(step);
    let ends = |k: i32| {
        let shift = k * step;
        let left = x.0.max(y.0 - shift);
        let right = x.1.min(y.1 - shift);
        [(left, left + shift), (right, right + shift)]
    };
    (first..=last)
        .map(ends)
        .filter(|[from, to]| from.0 < to.0)
        .collect()
}

pub fn draw_hatching(chart: &Chart, cells: &[Cell]) -> Result<(), String> {
    let area = chart.plotting_area();
    let (x, y) = area.get_pixel_range();
    let base = area.strip_coord_spec();
    for cell in cells.iter().filter(|cell| cell.hatched) {
        let (column, row) = (f64::from(cell.column), f64::from(cell.row));
        let (left, top) = chart.backend_coord(&(column - 0.5, row + 0.5));
        let (right, bottom) = chart.backend_coord(&(column + 0.5, row - 0.5));
        let style = stroke(contrast(cell.color).mix(0.75), HATCH_WIDTH_PT);
        for ends in diagonals((left, right), (top, bottom), units(HATCH_PT)) {
            let inside = ends.map(|(px, py)| (px - x.start, py - y.start));
            base.draw(&PathElement::new(inside.to_vec(), style))
                .map_err(text_of)?;
        }
    }
    Ok(())
}
