# The packaged libraries, each as one imported target natter::<name>.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# libev ships no pkg-config file.
find_path(EV_INCLUDE ev.h REQUIRED)
find_library(EV_LIBRARY ev REQUIRED)
add_library(natter::ev INTERFACE IMPORTED)
target_include_directories(natter::ev SYSTEM INTERFACE ${EV_INCLUDE})
target_link_libraries(natter::ev INTERFACE ${EV_LIBRARY})

pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
add_library(natter::jansson ALIAS PkgConfig::JANSSON)

# xxHash is used header only.
find_path(XXHASH_INCLUDE xxhash.h REQUIRED)
add_library(natter::xxhash INTERFACE IMPORTED)
target_include_directories(natter::xxhash SYSTEM INTERFACE ${XXHASH_INCLUDE})
