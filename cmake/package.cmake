# Toolchain of the preset "package": this machine's g++ 12 over Debian 11's C library, for programs that run
# wherever there is glibc 2.31 or newer. tools/package_base makes .deps/package.
set(package_base ${CMAKE_CURRENT_LIST_DIR}/../.deps/package)
file(REAL_PATH ${package_base} package_base)
file(REAL_PATH ${CMAKE_CURRENT_LIST_DIR}/.. package_source)
set(package_libraries ${package_base}/sysroot/usr/lib/x86_64-linux-gnu)

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER gcc-12)
set(CMAKE_CXX_COMPILER g++-12)
set(CMAKE_LIBRARY_ARCHITECTURE x86_64-linux-gnu)
set(CMAKE_SYSROOT ${package_base}/sysroot)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${package_libraries}/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)

# -B: the C library's start-up files. Names of files in messages are relative.
set(package_flags "-B${package_libraries} -ffile-prefix-map=${package_source}/=")
set(CMAKE_C_FLAGS_INIT "${package_flags}")
set(CMAKE_CXX_FLAGS_INIT "${package_flags}")
# Only the C++ library's own functions, and none of a static library, are seen by the shared ones.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-L${package_base}/lib -L${package_libraries} \
-L${CMAKE_SYSROOT}/lib/x86_64-linux-gnu -Wl,--exclude-libs,ALL")
