# The rules that one look at a C file can check. Called by tests/tidy/run, from the root, with the
# files' names as they are from there; prints "file:line: [rule] what is wrong".

function error(line, rule, text)
{
    printf "%s:%d: [%s] %s\n", file, line, rule, text
}

function warn(line, rule, text)
{
    printf "%s:%d: warning: [%s] %s\n", file, line, rule, text
}

# --- which file it is

function folder_of(path)
{
    if (!sub(/\/[^\/]*$/, "", path))
        return "."
    return path
}

function begin_file()
{
    file = FILENAME
    folder = folder_of(file)
    stem = file
    sub(/.*\//, "", stem)
    sub(/\.[ch]$/, "", stem)
    is_header = file ~ /\.h$/
    is_test = folder ~ /^tests(\/|$)/
    is_pure = folder == "lib/nats" || folder == "node/broker"
    in_comment = 0
    function_began = 0
    guard = ""
}

# --- what a line says to the compiler: comments gone, strings and characters emptied

function code_of(line,    code)
{
    code = ""
    while (line != "") {
        if (in_comment) {
            if (!match(line, /\*\//))
                return code
            line = substr(line, RSTART + 2)
            in_comment = 0
        } else if (!match(line, /"|'|\/\*|\/\//)) {
            return code line
        } else {
            code = code substr(line, 1, RSTART - 1)
            line = substr(line, RSTART)
            if (line ~ /^\/\//)
                return code
            if (line ~ /^\/\*/) {
                in_comment = 1
                line = substr(line, 3)
            } else if (match(line, /^"([^"\\]|\\.)*"/) || match(line, /^'([^'\\]|\\.)*'/)) {
                code = code "\"\""
                line = substr(line, RLENGTH + 1)
            } else {
                return code # a string that goes on: clang-format leaves none
            }
        }
    }
    return code
}

# Whether <code> calls one of <names>, an alternation.
function calls(code, names)
{
    return match(code, "(^|[^A-Za-z0-9_.>])(" names ")[ ]*\\(")
}

# --- the rules

# Where a folder's includes may point; tests may look everywhere.
function may_include(from, to)
{
    if (from ~ /^tests(\/|$)/)
        return 1
    if (from == "lib/base")
        return to == "lib/base"
    if (from == "lib/nats" || from == "lib/net")
        return to == "lib/base" || to == from
    if (from == "node/broker")
        return to == "lib/base" || to == "lib/nats" || to == from
    if (from == "node/monitor")
        return to ~ /^lib\// || to == "node/broker" || to == from
    if (from == "node/runtime" || from == "node")
        return to ~ /^(lib|node)\//
    if (from == "cli")
        return to ~ /^lib\/(base|nats)$/ || to == from
    if (from ~ /^lookupd(\/|$)/)
        return to ~ /^(lib|lookupd)(\/|$)/
    return 0
}

function check_own_include(line,    target)
{
    target = line
    sub(/^[^"]*"/, "", target)
    sub(/".*/, "", target)
    if (target !~ /^(lib|node|cli|lookupd|tests)\//)
        error(FNR, "include-from-root", "\"" target "\": name it from the root, as \"lib/base/bytes.h\"")
    else if (!may_include(folder, folder_of(target)))
        error(FNR, "include-direction", folder " may not look into " folder_of(target))
}

function check_system_include(line,    target)
{
    target = line
    sub(/^[^<]*</, "", target)
    sub(/>.*/, "", target)
    if (is_pure && target ~ /^(sys\/(socket|epoll|select|eventfd|time|timerfd)\.h|netdb\.h|netinet\/.*|arpa\/.*|poll\.h|pthread\.h|threads\.h|ev\.h|unistd\.h|signal\.h|fcntl\.h)$/)
        error(FNR, "pure-core", "<" target ">: " folder " decides and never waits; this belongs to the edge")
}

function check_calls(code)
{
    if (calls(code, "strcpy|strcat|stpcpy|sprintf|vsprintf|strtok|atoi|atol|atoll|atof|gets"))
        error(FNR, "unsafe-call", "no strcpy, strcat, sprintf, strtok, atoi and their kind")
    if (is_pure && calls(code, "time|clock|clock_gettime|gettimeofday|clock_now_ns|clock_wall_ns"))
        error(FNR, "pure-core", "time comes into " folder " as an argument")
    # A pause between two looks at a condition is nanosleep(), which says how long and may be cut short.
    if (is_test && calls(code, "sleep|usleep"))
        error(FNR, "test-sleeps", "wait for the condition, not for luck")
    if (folder ~ /^(lib|node)\// && calls(code, "exit|_exit|quick_exit"))
        error(FNR, "library-exits", "only a main.c ends the program")
}

# The layout (see .clang-format) opens functions, and nothing else, with a brace of its own line.
function check_function_length(line,    lines)
{
    if (line == "{") {
        function_began = FNR
    } else if (line == "}" && function_began) {
        lines = FNR - function_began + 1
        if (lines > 80)
            error(function_began, "function-length", "a function of " lines " lines (80 at most, better 60)")
        else if (lines > 60)
            warn(function_began, "function-length", "a function of " lines " lines (better 60)")
        function_began = 0
    }
}

function check_header_line(line)
{
    if (FNR == 1 && index(line, "/* " stem ": ") != 1)
        error(1, "header-opening", "open with a paragraph: /* " stem ": what it is, who owns what, which thread")
    if (guard == "" && line ~ /^#ifndef /)
        guard = substr(line, 9)
    else if (guard != "" && !guard_seen && line ~ /^#define /)
        guard_seen = line == "#define " guard
}

function end_file(    wanted)
{
    wanted = toupper(stem)
    gsub(/[^A-Z0-9]/, "_", wanted)
    if (is_header && !(guard_seen && guard ~ /^NATTER_/ && guard ~ ("_" wanted "_H$")))
        error(1, "include-guard", "guard it with NATTER_<FOLDER>_" wanted "_H")
    if (lines_now > 700)
        error(lines_now, "file-length", lines_now " lines (700 at most, better 600)")
    else if (lines_now > 600)
        warn(lines_now, "file-length", lines_now " lines (better 600)")
    guard_seen = 0
}

FNR == 1 {
    if (NR > 1)
        end_file()
    begin_file()
}

{
    lines_now = FNR
    if (is_header)
        check_header_line($0)
    if (!in_comment && $0 ~ /^[ \t]*#[ \t]*include[ \t]*"/)
        check_own_include($0)
    else if (!in_comment && $0 ~ /^[ \t]*#[ \t]*include[ \t]*</)
        check_system_include($0)
    check_function_length($0)
    check_calls(code_of($0))
}

END {
    if (NR > 0)
        end_file()
}
