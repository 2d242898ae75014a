//! Figures, behind the C ABI of src/report/figures_c.h.

// The contract of each exported function is in that header.
#![allow(clippy::missing_safety_doc)]

mod draw;
mod encode;
mod figure;
mod legend;
mod scale;
mod text;
mod ticks;

use c_abi::{guarded, slice, Bytes};

fn draw(json: &[u8], format: i32) -> Result<Vec<u8>, String> {
    let figure: figure::Figure = serde_json::from_slice(json).map_err(|e| e.to_string())?;
    let (width_in, height_in) = (figure.width_in, figure.height_in);
    let svg = draw::svg(figure)?;
    match format {
        0 => Ok(svg.into_bytes()),
        1 => encode::png(&svg, width_in, height_in),
        2 => encode::pdf(&svg),
        _ => Err(format!("format {format} is not known")),
    }
}

#[no_mangle]
pub unsafe extern "C" fn qk_figures_draw(
    json: *const u8,
    size: usize,
    format: i32,
    figure: *mut Bytes,
    error: *mut Bytes,
) -> i32 {
    guarded("plotters", error, || {
        figure.write(Bytes::new(draw(slice(json, size), format)?));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn qk_figures_free(bytes: Bytes) {
    bytes.free();
}
