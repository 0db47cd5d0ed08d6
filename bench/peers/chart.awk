# Bars from the lines of `--format json`: the median of each ratio, with its range. Up from the shortest.
#
#   awk -v title=TITLE -f bench/peers/chart.awk FILE
function field(name, value) {
  value = $0
  sub(".*\"" name "\":\"?", "", value)
  sub(/"?[,}].*/, "", value)
  return value
}
{
  label = $0
  sub(/.*"contender":"/, "", label); sub(/".*/, "", label)
  labels[NR] = label; medians[NR] = field("ratio") + 0; least[NR] = field("least") + 0; most[NR] = field("most") + 0
  if (most[NR] > widest) widest = most[NR]
}
END {
  for (i = 1; i <= NR; i++) order[i] = i
  for (i = 2; i <= NR; i++)
    for (j = i; j > 1 && medians[order[j]] < medians[order[j - 1]]; j--) {
      swap = order[j]; order[j] = order[j - 1]; order[j - 1] = swap
    }
  left = 220; width = 720; row = 30; top = 50
  height = top + NR * row + 30
  scale = (width - left - 60) / widest
  printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" font-family=\"sans-serif\" font-size=\"12\">\n", width, height
  printf "<title>%s</title>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", title, width, height
  printf "<text x=\"16\" y=\"26\" font-size=\"16\">%s</text>\n", title
  one = left + scale
  for (i = 1; i <= NR; i++) {
    at = order[i]; y = top + (i - 1) * row; middle = y + row / 2 - 4
    # What is measured against is told apart by an outline, too.
    fill = labels[at] == "Sluse" ? "#0b5d8a\" stroke=\"#000" : "#9db8c7"
    printf "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", left - 8, middle + 4, labels[at]
    printf "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", left, y, medians[at] * scale, row - 8, fill
    if (most[at] > least[at])
      printf "<path d=\"M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f %.1fv8\" stroke=\"#222\" fill=\"none\"/>\n", left + least[at] * scale, middle, left + most[at] * scale, left + least[at] * scale, middle - 4, left + most[at] * scale, middle - 4
    printf "<text x=\"%.1f\" y=\"%.1f\">%.2f</text>\n", left + most[at] * scale + 6, middle + 4, medians[at]
  }
  printf "<path d=\"M%.1f %dV%d\" stroke=\"#b3541e\" stroke-dasharray=\"4 3\"/>\n", one, top - 6, top + NR * row
  printf "<text x=\"%d\" y=\"%d\">Shorter is better. Median of the pairs, and their range.</text>\n</svg>\n", left, height - 10
}
