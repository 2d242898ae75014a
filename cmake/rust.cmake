# qk_rust: the crates of rust/ (tokenizers, figures) as one static library, built by cargo into
# build/cargo, which all presets share, and again only when the crates' files change.
# tools/setup writes which cargo it found or installed to .deps/cargo.
if(EXISTS ${PROJECT_SOURCE_DIR}/.deps/cargo)
  file(STRINGS ${PROJECT_SOURCE_DIR}/.deps/cargo cargo_of_setup LIMIT_COUNT 1)
  get_filename_component(cargo_of_setup ${cargo_of_setup} DIRECTORY)
endif()
find_program(QK_CARGO cargo HINTS ${cargo_of_setup} $ENV{HOME}/.cargo/bin)
if(NOT QK_CARGO)
  message(FATAL_ERROR "cargo (1.85 or newer) was not found: run tools/setup first")
endif()
execute_process(COMMAND ${QK_CARGO} --version OUTPUT_VARIABLE cargo_version
  OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX MATCH "[0-9]+[.][0-9]+" cargo_version "${cargo_version}")
if(cargo_version VERSION_LESS 1.85)
  message(FATAL_ERROR "${QK_CARGO} is version '${cargo_version}', 1.85 or newer is needed: run "
    "tools/setup first, or give another with -DQK_CARGO=<path>")
endif()

# The font becomes part of the program, and its bytes decide the bytes of every figure.
set(figure_font ${PROJECT_SOURCE_DIR}/rust/figures_c/fonts/DejaVuSans.ttf)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${figure_font})
file(SHA256 ${figure_font} figure_font_sha256)
if(NOT figure_font_sha256 STREQUAL
    abdc775b21b1bc470d50c97e790d276f2054b7504e56e5bd3e64f48d68582322)
  message(FATAL_ERROR "${figure_font} is not the font that figures are drawn with: their bytes would "
    "change (SHA-256 ${figure_font_sha256})")
endif()

set(rust ${PROJECT_SOURCE_DIR}/rust)
set(rust_target ${PROJECT_SOURCE_DIR}/build/cargo)
set(rust_environment "")
if(QK_PACKAGE)  # apart: without the folders of this machine, which other builds have in messages
  set(rust_target ${PROJECT_SOURCE_DIR}/build/cargo-package)
  set(cargo_home $ENV{HOME}/.cargo)
  if(DEFINED ENV{CARGO_HOME})
    set(cargo_home $ENV{CARGO_HOME})
  endif()
  set(rust_environment RUSTFLAGS=--remap-path-prefix=${cargo_home}=cargo
    CFLAGS=-ffile-prefix-map=${cargo_home}=cargo)
endif()
get_filename_component(cargo_folder ${QK_CARGO} DIRECTORY)  # with its rustc, not that of an older Rust
set(rust_library ${rust_target}/release/libnative.a)
file(GLOB rust_sources CONFIGURE_DEPENDS ${rust}/*/src/*.rs ${rust}/*/Cargo.toml)
add_custom_command(OUTPUT ${rust_library}
  # onig comes from the crate, never from the system, so that every build has the same tables.
  COMMAND ${CMAKE_COMMAND} -E env --modify PATH=path_list_prepend:${cargo_folder}
    --unset=CARGO_BUILD_TARGET RUSTONIG_SYSTEM_LIBONIG=0 ${rust_environment}
    ${QK_CARGO} build --release --locked --quiet --manifest-path ${rust}/Cargo.toml
    --package native --target-dir ${rust_target}
  COMMAND ${CMAKE_COMMAND} -E touch ${rust_library}
  DEPENDS ${rust}/Cargo.toml ${rust}/Cargo.lock ${rust_sources} ${figure_font}
  COMMENT "Building the Rust crates (about three minutes the first time)" VERBATIM)
add_custom_target(qk_rust_build DEPENDS ${rust_library})
add_library(qk_rust INTERFACE)
add_dependencies(qk_rust qk_rust_build)
target_link_options(qk_rust INTERFACE -Wl,--gc-sections)  # most of the crates' code is never called
target_link_libraries(qk_rust INTERFACE ${rust_library} Threads::Threads ${CMAKE_DL_LIBS} m)
