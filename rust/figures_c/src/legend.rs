//! The legend, where it hides the least.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::draw::{rgb, stroke, Area, Chart, LABEL_PT};
use crate::figure::Figure;
use crate::label::{one_line, Notes};
use crate::path::dashed_stroke;
use crate::text::{font, units, width};

const PADDING_PT: f64 = 5.0;
const SAMPLE_PT: f64 = 20.0;
const BAND_PT: f64 = 9.0;
const BAND_OPACITY: f64 = 0.25;
const ROW_PT: f64 = 15.0;
const SAMPLES_PER_SEGMENT: usize = 8;

/// Points of the lines that fall into the box at `corner`.
fn hidden(chart: &Chart, figure: &Figure, corner: (i32, i32), size: (i32, i32)) -> usize {
    let inside = |point: &(f64, f64)| {
        let (x, y) = chart.backend_coord(point);
        (corner.0..corner.0 + size.0).contains(&x) && (corner.1..corner.1 + size.1).contains(&y)
    };
    let mut count = 0;
    for line in &figure.lines {
        for pair in line.points.windows(2) {
            for sample in 0..SAMPLES_PER_SEGMENT {
                let part = sample as f64 / SAMPLES_PER_SEGMENT as f64;
                let between = |a: f64, b: f64| a + (b - a) * part;
                count += usize::from(inside(&(
                    between(pair[0].0, pair[1].0),
                    between(pair[0].1, pair[1].1),
                )));
            }
        }
        count += line
            .points
            .last()
            .map_or(0, |point| usize::from(inside(point)));
    }
    count
}

pub fn draw_legend<'a>(
    chart: &Chart<'a>,
    root: &Area<'a>,
    figure: &Figure,
    notes: &mut Notes,
) -> Result<(), String> {
    if figure.legend.is_empty() {
        return Ok(());
    }
    let padding = units(PADDING_PT);
    let (x, y) = chart.plotting_area().get_pixel_range();
    let room = x.end - x.start - units(SAMPLE_PT) - 5 * padding;
    let mut text_width = 0;
    let mut labels = Vec::new();
    for entry in &figure.legend {
        let label = one_line(&entry.label, LABEL_PT, room, ("legend", notes))?;
        text_width = text_width.max(width(&label.lines[0], label.points)?);
        labels.push(label);
    }
    let size = (
        text_width + units(SAMPLE_PT) + 3 * padding,
        units(ROW_PT) * figure.legend.len() as i32 + padding,
    );
    let columns = [
        x.end - padding - size.0,
        x.start + padding,
        (x.start + x.end - size.0) / 2,
    ];
    let mut rows = vec![y.start + padding, y.end - padding - size.1];
    // Curves with bands are few and may leave room between them.
    if figure.legend.iter().all(|entry| entry.band) {
        rows.push((y.start + y.end - size.1) / 2);
    }
    let corner = rows
        .iter()
        .flat_map(|&row| columns.map(|column| (column, row)))
        .min_by_key(|&corner| hidden(chart, figure, corner, size))
        .expect("places");
    let end = (corner.0 + size.0, corner.1 + size.1);
    let failed = |error: DrawingAreaErrorKind<std::io::Error>| error.to_string();
    root.draw(&Rectangle::new([corner, end], WHITE.mix(0.85).filled()))
        .map_err(failed)?;
    let outline = [corner, (end.0, corner.1), end, (corner.0, end.1), corner];
    let grey = RGBColor(0xCC, 0xCC, 0xCC);
    root.draw(&PathElement::new(outline, stroke(grey, 0.8)))
        .map_err(failed)?;
    for (index, (entry, label)) in figure.legend.iter().zip(&labels).enumerate() {
        let middle = corner.1 + padding / 2 + units(ROW_PT * (index as f64 + 0.5));
        let left = corner.0 + padding;
        let sample = [(left, middle), (left + units(SAMPLE_PT), middle)];
        if entry.band {
            let half = units(BAND_PT / 2.0);
            let corners = [(left, middle - half), (sample[1].0, middle + half)];
            let fill = rgb(entry.color).mix(BAND_OPACITY).filled();
            root.draw(&Rectangle::new(corners, fill)).map_err(failed)?;
        }
        let style = dashed_stroke(rgb(entry.color), entry.width_pt, entry.dash);
        root.draw(&PathElement::new(sample, style))
            .map_err(failed)?;
        let style = font(label.points)
            .color(&BLACK)
            .pos(Pos::new(HPos::Left, VPos::Center));
        let place = (left + units(SAMPLE_PT) + padding, middle);
        root.draw_text(&label.lines[0], &style, place)
            .map_err(failed)?;
    }
    Ok(())
}
