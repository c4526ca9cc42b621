# Makes of the tables in "figures" and of the results of run (broker, measurement, round, then
# key=value pairs; "void" where a measurement failed) a table to read, or JSON with -v json=1.
#
#     awk -f report.awk [-v json=1] [-v verdicts=0] figures results
#
# The last line of the table counts goals; the exit status is 3 when one was missed.

function trim(text)
{
    gsub(/^[ \t]+|[ \t]+$/, "", text)
    return text
}

# The median of values[broker, measurement, key, 1..n], or "" when there are none.
function median(broker, measurement, key,    n, i, k, sorted, moved)
{
    n = counts[broker, measurement, key]
    for (i = 1; i <= n; i++) {
        moved = values[broker, measurement, key, i]
        for (k = i - 1; k >= 1 && sorted[k] > moved; k--)
            sorted[k + 1] = sorted[k]
        sorted[k + 1] = moved
    }
    if (n == 0)
        return ""
    return (sorted[int((n + 1) / 2)] + sorted[int(n / 2) + 1]) / 2
}

function scaled(value, unit,    size)
{
    size = value < 0 ? -value : value
    if (value == "")
        return "-"
    if (unit == "share")
        return sprintf("%.1f %%", value * 100)
    if (unit == "rate")
        return size >= 1e6 ? sprintf("%.2f M", value / 1e6) : sprintf("%.1f k", value / 1e3)
    if (unit == "ns") {
        if (size >= 1e6)
            return sprintf("%.2f ms", value / 1e6)
        return size >= 1e4 ? sprintf("%.1f us", value / 1e3) : sprintf("%.3f us", value / 1e3)
    }
    if (size >= 1e6)
        return sprintf("%.1f MB", value / 1e6)
    return size >= 1e4 ? sprintf("%.1f kB", value / 1e3) : sprintf("%.0f B", value)
}

# "5.21" or "1/8.4": how many times natter's is nats-server's.
function shown_ratio(ratio)
{
    if (ratio == "")
        return "-"
    return ratio >= 1 || ratio <= 0 ? sprintf("%.2f", ratio) : sprintf("1/%.2f", 1 / ratio)
}

function shown_goal(word, bound, unit)
{
    if (word == "times")
        return bound " times"
    if (word == "part")
        return "1/" bound
    return (word == "atleast" ? ">= " : "<= ") scaled(bound, unit)
}

# "reached", "missed", or "" where nothing can be said.
function verdict(word, bound, ratio, own)
{
    if (own == "" || ((word == "times" || word == "part") && ratio == ""))
        return ""
    if (word == "times")
        return ratio >= bound ? "reached" : "missed"
    if (word == "part")
        return ratio <= 1 / bound ? "reached" : "missed"
    if (word == "atleast")
        return own >= bound + 0 ? "reached" : "missed"
    return own <= bound + 0 ? "reached" : "missed"
}

function json_number(value)
{
    return value == "" ? "null" : sprintf("%.6g", value)
}

function print_row(f,    nats, relay, own, ratio, said, goal)
{
    nats = median("nats", of[f], key[f])
    relay = median("relay", of[f], key[f])
    own = median("natter", of[f], key[f])
    ratio = nats != "" && own != "" && nats != 0 ? own / nats : ""
    split(goals[f], goal, " ")
    said = verdicts ? verdict(goal[1], goal[2], ratio, own) : ""
    reached += said == "reached"
    missed += said == "missed"
    if (json) {
        printf "%s\n    {\"measurement\": \"%s\", \"key\": \"%s\", \"what\": \"%s\", \"unit\": \"%s\", ", \
            rows++ ? "," : "", of[f], key[f], what[f], units[f]
        printf "\"nats\": %s, \"relay\": %s, \"natter\": %s, \"ratio\": %s, \"goal\": \"%s\", \"verdict\": %s, ", \
            json_number(nats), json_number(relay), json_number(own), json_number(ratio), goals[f], \
            said == "" ? "null" : "\"" said "\""
        printf "\"void\": {\"nats\": %d, \"relay\": %d, \"natter\": %d}}", voids["nats", of[f]], \
            voids["relay", of[f]], voids["natter", of[f]]
        return
    }
    printf "%-39s %11s %11s %11s %9s %10s  %s\n", what[f], scaled(nats, units[f]),
        scaled(relay, units[f]), scaled(own, units[f]), shown_ratio(ratio),
        shown_goal(goal[1], goal[2], units[f]), said
}

BEGIN {
    if (verdicts == "")
        verdicts = 1
}

FNR == NR {
    fields = split($0, column, "|")
    if (trim(column[1]) == "figure" && fields == 6) {
        figures++
        of[figures] = trim(column[2])
        key[figures] = trim(column[3])
        units[figures] = trim(column[4])
        what[figures] = trim(column[5])
        goals[figures] = trim(column[6])
    }
    next
}

{
    measured[$2] = 1
    if ($4 == "void") {
        voids[$1, $2]++
        void_count++
        next
    }
    for (i = 4; i <= NF; i++) {
        split($i, pair, "=")
        values[$1, $2, pair[1], ++counts[$1, $2, pair[1]]] = pair[2] + 0
    }
}

END {
    if (json)
        printf "{\"figures\": ["
    else
        printf "%-39s %11s %11s %11s %9s %10s\n", "what (medians)", "nats-server", "relay", "natter",
            "ratio", "goal"
    for (f = 1; f <= figures; f++)
        if (of[f] in measured)
            print_row(f)
    if (json)
        printf "\n  ],\n  \"reached\": %d, \"missed\": %d, \"void\": %d}\n", reached, missed, void_count
    else if (verdicts)
        printf "\n%d goals reached, %d missed, %d measurements void\n", reached, missed, void_count
    if (missed > 0)
        exit 3
}
