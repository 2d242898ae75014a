//! xz streams, and zip and tar archives of one file, behind the C ABI of src/report/archive_c.h.

// The contract of each exported function is in that header.
#![allow(clippy::missing_safety_doc)]

use std::io::{Cursor, Read, Write};

use c_abi::{guarded, slice, Bytes};
use lzma_rust2::{XzOptions, XzReader, XzWriter};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

const XZ: i32 = 0;
const ZIP: i32 = 1;
const TAR: i32 = 2;

fn text_of<E: std::fmt::Display>(error: E) -> String {
    error.to_string()
}

fn pack_xz(data: &[u8]) -> Result<Vec<u8>, String> {
    let mut writer = XzWriter::new(Vec::new(), XzOptions::with_preset(6)).map_err(text_of)?;
    writer.write_all(data).map_err(text_of)?;
    writer.finish().map_err(text_of)
}

fn pack_zip(name: &str, data: &[u8]) -> Result<Vec<u8>, String> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        .large_file(data.len() >= u32::MAX as usize);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, options).map_err(text_of)?;
    writer.write_all(data).map_err(text_of)?;
    writer.finish().map(Cursor::into_inner).map_err(text_of)
}

fn pack_tar(name: &str, data: &[u8]) -> Result<Vec<u8>, String> {
    let mut header = tar::Header::new_gnu();
    header.set_size(data.len() as u64);
    header.set_mode(0o644);
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append_data(&mut header, name, data)
        .map_err(text_of)?;
    builder.into_inner().map_err(text_of)
}

/// At most `limit` bytes; more are an error.
fn read_all(reader: impl Read, limit: u64) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let size = reader
        .take(limit + 1)
        .read_to_end(&mut out)
        .map_err(text_of)?;
    if size as u64 > limit {
        let limit = limit >> 30;
        return Err(format!("it holds more than {limit} GiB; unpack it first"));
    }
    Ok(out)
}

/// Whether an archive's entry is a folder, or what a Mac puts beside every file.
fn is_beside(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    file.is_empty()
        || file.starts_with("._")
        || file == ".DS_Store"
        || name.starts_with("__MACOSX/")
}

fn only_one(count: usize) -> Result<(), String> {
    match count {
        1 => Ok(()),
        0 => Err("expected an archive of one file, found none in it".to_string()),
        _ => Err(format!(
            "expected an archive of one file, found {count} in it"
        )),
    }
}

fn unpack_zip(data: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    let mut archive = ZipArchive::new(Cursor::new(data)).map_err(text_of)?;
    let names: Vec<String> = archive.file_names().map(str::to_string).collect();
    let names: Vec<&String> = names.iter().filter(|name| !is_beside(name)).collect();
    only_one(names.len())?;
    let file = archive.by_name(names[0]).map_err(text_of)?;
    read_all(file, limit)
}

fn unpack_tar(data: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    let mut archive = tar::Archive::new(data);
    let mut files = Vec::new();
    for entry in archive.entries().map_err(text_of)? {
        let entry = entry.map_err(text_of)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type().is_file() && !is_beside(&name) {
            files.push(if files.is_empty() {
                read_all(entry, limit)?
            } else {
                Vec::new()
            });
        }
    }
    only_one(files.len())?;
    Ok(files.swap_remove(0))
}

#[no_mangle]
pub unsafe extern "C" fn qk_archive_pack(
    kind: i32,
    name: *const u8,
    name_size: usize,
    data: *const u8,
    size: usize,
    packed: *mut Bytes,
    error: *mut Bytes,
) -> i32 {
    guarded("archive", error, || {
        let name = String::from_utf8_lossy(slice(name, name_size));
        let data = slice(data, size);
        packed.write(Bytes::new(match kind {
            XZ => pack_xz(data)?,
            ZIP => pack_zip(&name, data)?,
            TAR => pack_tar(&name, data)?,
            _ => return Err(format!("kind {kind} is not known")),
        }));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn qk_archive_unpack(
    kind: i32,
    data: *const u8,
    size: usize,
    limit: u64,
    unpacked: *mut Bytes,
    error: *mut Bytes,
) -> i32 {
    guarded("archive", error, || {
        let data = slice(data, size);
        unpacked.write(Bytes::new(match kind {
            XZ => {
                let limit_kb = (limit >> 10) as u32;
                read_all(XzReader::new_mem_limit(data, true, limit_kb), limit)?
            }
            ZIP => unpack_zip(data, limit)?,
            TAR => unpack_tar(data, limit)?,
            _ => return Err(format!("kind {kind} is not known")),
        }));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn qk_archive_free(bytes: Bytes) {
    bytes.free();
}
