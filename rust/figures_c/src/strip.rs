//! Bars below the axes, over the same horizontal axis: how much stands behind the data above.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::draw::{
    draw_frame, draw_upright, draw_x_label, stroke, text_of, Area, Chart, Layout, FRAME_PT,
    LABEL_PT, MARGIN_PT, TICK_PT,
};
use crate::figure::{Figure, Strip, StripBar, Tick};
use crate::path::dashed_stroke;
use crate::scale::Scale;
use crate::text::{font, units, width};

pub const STRIP_PT: f64 = 52.0;
pub const STRIP_GAP_PT: f64 = 9.0;
const NUMBER_PT: f64 = 7.0;
const BAR: RGBColor = RGBColor(0xA6, 0xA6, 0xA6);
const EDGE: RGBColor = RGBColor(0x50, 0x50, 0x50);

/// 0 and the greatest value.
fn strip_ticks(strip: &Strip) -> Vec<Tick> {
    let highest = strip
        .bars
        .iter()
        .fold(0.0f64, |most, bar| most.max(bar.value));
    let tick = |at: f64, number| Tick {
        at,
        label: format!("{at:.0}"),
        number,
    };
    vec![tick(0.0, 0), tick(highest, 1)]
}

/// The value above each bar, and above the level if that is near, if all of them have room.
fn draw_numbers<'a>(chart: &Chart<'a>, root: &Area<'a>, strip: &Strip) -> Result<(), String> {
    let place = |bar: &StripBar| {
        let (left, top) = chart.backend_coord(&(bar.from, bar.value));
        let (right, _) = chart.backend_coord(&(bar.to, bar.value));
        (left, right, top)
    };
    for bar in &strip.bars {
        let (left, right, _) = place(bar);
        if width(&format!("{:.0}", bar.value), NUMBER_PT)? > right - left {
            return Ok(());
        }
    }
    let style = font(NUMBER_PT)
        .color(&BLACK)
        .pos(Pos::new(HPos::Center, VPos::Bottom));
    for bar in &strip.bars {
        let (left, right, mut top) = place(bar);
        if let Some(level) = strip.level {
            let (_, line) = chart.backend_coord(&(bar.from, level));
            if (line..line + units(NUMBER_PT)).contains(&top) {
                top = line;
            }
        }
        let at = ((left + right) / 2, top - units(1.0));
        root.draw_text(&format!("{:.0}", bar.value), &style, at)
            .map_err(text_of)?;
    }
    Ok(())
}

fn draw_bars(chart: &mut Chart, strip: &Strip) -> Result<(), String> {
    if let Some(level) = strip.level {
        let x = chart.x_range();
        let style = dashed_stroke(BLACK, 0.7, 4);
        let line = PathElement::new(vec![(x.start, level), (x.end, level)], style);
        chart.draw_series(std::iter::once(line)).map_err(text_of)?;
    }
    let corners = |bar: &StripBar| [(bar.from, bar.value), (bar.to, 0.0)];
    let areas = strip.bars.iter().map(|bar| {
        let fill = if bar.hollow { WHITE } else { BAR };
        Rectangle::new(corners(bar), fill.filled())
    });
    chart.draw_series(areas).map_err(text_of)?;
    let edges = strip.bars.iter().map(|bar| {
        let [(left, top), (right, bottom)] = corners(bar);
        let path = vec![(left, bottom), (left, top), (right, top), (right, bottom)];
        PathElement::new(path, stroke(EDGE, 0.8))
    });
    chart.draw_series(edges).map_err(text_of)?;
    Ok(())
}

pub fn draw_strip<'a>(
    root: &Area<'a>,
    axes: &Chart<'a>,
    figure: &Figure,
    strip: &Strip,
    layout: &Layout,
) -> Result<(), String> {
    let (x, y) = axes.plotting_area().get_pixel_range();
    let mut chart = ChartBuilder::on(root)
        .margin_top(y.end + units(STRIP_GAP_PT))
        .margin_left(units(MARGIN_PT))
        .margin_bottom(layout.below())
        .margin_right(layout.borders.right)
        .x_label_area_size(layout.borders.bottom)
        .y_label_area_size(layout.borders.left)
        .build_cartesian_2d(
            Scale::new(figure.x.low, figure.x.high, &layout.x_ticks),
            Scale::new(0.0, strip.high, &strip_ticks(strip)),
        )
        .map_err(text_of)?;
    let x_label = &layout.x_label;
    let mut mesh = chart.configure_mesh();
    mesh.axis_style(stroke(BLACK, FRAME_PT))
        .light_line_style(TRANSPARENT)
        .disable_mesh()
        .label_style(font(LABEL_PT))
        .axis_desc_style(font(x_label.points))
        .x_desc(match x_label.lines.as_slice() {
            [line] => line,
            _ => "",
        })
        .set_all_tick_mark_size(units(TICK_PT));
    mesh.draw().map_err(text_of)?;
    draw_bars(&mut chart, strip)?;
    draw_x_label(&chart, root, layout)?;
    draw_numbers(&chart, root, strip)?;
    let (_, low) = chart.plotting_area().get_pixel_range();
    draw_frame(
        root,
        [(x.start, low.start), (x.end, low.start), (x.end, low.end)],
    )?;
    if let Some(label) = &layout.strip_label {
        draw_upright(&chart, root, label, units(MARGIN_PT))?;
    }
    Ok(())
}
