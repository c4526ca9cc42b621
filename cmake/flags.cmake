# natter_flags: the one place where compiler and linker flags are chosen. Every target links it.
add_library(natter_flags INTERFACE)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1") # no NDEBUG: assertions stay on in release

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug or Release" FORCE)
endif()

# Compile once what several build trees share.
find_program(NATTER_CCACHE ccache)
if(NATTER_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${NATTER_CCACHE})
endif()

target_compile_definitions(natter_flags INTERFACE _GNU_SOURCE)
target_include_directories(natter_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(natter_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wstrict-prototypes
    -Wmissing-prototypes -Werror -fno-strict-aliasing -fno-omit-frame-pointer)

if(NATTER_SANITIZE)
    target_compile_options(natter_flags INTERFACE
        -fsanitize=${NATTER_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(natter_flags INTERFACE -fsanitize=${NATTER_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(natter_flags INTERFACE
        -fPIE -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE
        -D_FORTIFY_SOURCE=2)
    target_link_options(natter_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()

if(NATTER_FUZZ)
    target_compile_options(natter_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
