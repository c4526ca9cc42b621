# natter_add_test(<name> [LABELS <label>...] [TIMEOUT <seconds>] COMMAND <command> [<argument>...])
#
# add_test() for tests of every kind. In a build with sanitizers the command runs under
# tests/unit/support/run_sanitized, which fails it when any process it starts draws a report. A test
# that cannot run here exits with 77 and says why; it is counted as skipped.
#
# Labels:  unit, system, interop, bench, tidy   what kind it is
#          threads                              worth running under ThreadSanitizer
function(natter_add_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LABELS;COMMAND")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    if(NATTER_SANITIZE)
        list(PREPEND arg_COMMAND ${CMAKE_SOURCE_DIR}/tests/unit/support/run_sanitized)
    endif()
    add_test(NAME ${name} COMMAND ${arg_COMMAND})
    set_tests_properties(${name} PROPERTIES
        LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77)
endfunction()
