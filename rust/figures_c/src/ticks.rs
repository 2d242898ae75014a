//! The ticks of an axis, and which of them have room.

use std::ops::Range;

use plotters::coord::ranged1d::Ranged;
use plotters::coord::types::RangedCoordf64;

use crate::figure::Tick;

const LARGEST_PLAIN: f64 = 1e10; // beyond it: 1.5e10
const MOST_DECIMALS: f64 = 8.0;

/// Round numbers, at most `most` of them, all with the same number of decimals.
fn round_ticks(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let mut at = RangedCoordf64::from(low..high).key_points(most);
    at.retain(|value| (low..=high).contains(value));
    let step = at
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .fold(f64::INFINITY, f64::min);
    let largest = at.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    let (decimals, digits) = if step.is_finite() && step > 0.0 && largest > 0.0 {
        let place = (step.log10() + 1e-9).floor();
        (-place, largest.log10().floor() - place)
    } else {
        (3.0, 3.0)
    };
    let label = |value: f64| {
        let text = if largest >= LARGEST_PLAIN || decimals > MOST_DECIMALS {
            format!("{value:.0$e}", digits.clamp(0.0, 15.0) as usize)
        } else {
            format!("{value:.0$}", decimals.max(0.0) as usize)
        };
        match text.strip_prefix('-') {
            Some(rest) if text.parse() == Ok(0.0) => rest.to_string(),
            _ => text,
        }
    };
    at.iter()
        .enumerate()
        .map(|(index, &value)| Tick {
            at: value,
            label: label(value),
            number: index as i64,
        })
        .collect()
}

pub fn ticks_or_round(ticks: Option<Vec<Tick>>, low: f64, high: f64, most: usize) -> Vec<Tick> {
    let mut ticks = ticks.unwrap_or_else(|| round_ticks(low, high, most));
    ticks.sort_by(|a, b| a.at.total_cmp(&b.at));
    ticks
}

/// The ticks whose labels are at least `gap` apart on an axis of `length` units: all, or else those
/// whose index is a multiple of 2, of 4, of 5, and so on. `extent` measures a label along the axis.
pub fn thin(
    ticks: Vec<Tick>,
    range: Range<f64>,
    length: i32,
    gap: i32,
    extent: impl Fn(&str) -> Result<i32, String>,
) -> Result<Vec<Tick>, String> {
    let mut placed = Vec::new();
    for tick in ticks {
        let position = (tick.at - range.start) / (range.end - range.start) * f64::from(length);
        let half = f64::from(extent(&tick.label)?) / 2.0;
        placed.push((position - half, position + half, tick));
    }
    for stride in strides() {
        let kept = placed
            .iter()
            .filter(|(_, _, tick)| tick.number % stride == 0);
        let mut end = f64::NEG_INFINITY;
        let room = kept.clone().all(|(from, to, _)| {
            let free = *from >= end + f64::from(gap);
            end = *to;
            free
        });
        if room {
            if kept.count() == 0 {
                placed.truncate(1);
            } else {
                placed.retain(|(_, _, tick)| tick.number % stride == 0);
            }
            break;
        }
    }
    Ok(placed.into_iter().map(|(_, _, tick)| tick).collect())
}

/// 1, 2, 4, 5, 8, 10, 20, 40, 50, 80, 100, ...
fn strides() -> impl Iterator<Item = i64> {
    let tens = (0..17).map(|power| 10i64.pow(power));
    std::iter::once(1).chain(tens.flat_map(|ten| [2, 4, 5, 8, 10].map(|factor| factor * ten)))
}
