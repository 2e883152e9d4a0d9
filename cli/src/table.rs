//! Tables for a terminal.

use sesame_render::escape::visible;

/// The least that a cut column keeps.
const LEAST: usize = 8;

/// Rows below a header, padded; with a width, the last columns are cut, or left out, so that every line fits.
pub fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    width: Option<usize>,
) -> String {
    let rows: Vec<[String; N]> = rows.into_iter().map(|row| row.map(|cell| visible(&cell))).collect();
    let mut widths = header.map(|name| name.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut columns = N;
    if let Some(width) = width {
        let mut left = width;
        for (index, column) in widths.iter_mut().enumerate() {
            let gap = if index == 0 { 0 } else { 2 };
            if index > 0 && left < gap + LEAST.min(*column) {
                columns = index;
                break;
            }
            *column = (*column).min(left.saturating_sub(gap)).max(1);
            left = left.saturating_sub(gap + *column);
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells = cells.zip(widths).take(columns);
        let padded: Vec<String> = cells.map(|(cell, width)| format!("{:<width$}", cut(cell, width))).collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(&mut header.into_iter());
    for row in &rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    text
}

/// At most so many characters; what is cut shows it.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// A time to the minute, from ISO 8601.
pub fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::table;

    fn sample(width: Option<usize>) -> String {
        let rows = [["1", "short", "a rather long cell"], ["22", "longer", "b"]];
        table(["N", "NAME", "TEXT"], rows.map(|row| row.map(str::to_owned)), width)
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        assert_eq!(sample(None), "N   NAME    TEXT\n1   short   a rather long cell\n22  longer  b\n");
    }

    #[test]
    fn the_last_column_is_cut_to_fit_and_left_out_where_nothing_of_it_would_be_left() {
        assert_eq!(sample(Some(22)), "N   NAME    TEXT\n1   short   a rather …\n22  longer  b\n");
        assert_eq!(sample(Some(14)), "N   NAME\n1   short\n22  longer\n");
        assert!(sample(Some(22)).lines().all(|line| line.chars().count() <= 22));
    }

    #[test]
    fn what_steers_a_terminal_is_visible() {
        assert_eq!(table(["A"], [["\u{1b}[2J\n".to_owned()]], None), "A\n\\u{1b}[2J\\n\n");
    }
}
