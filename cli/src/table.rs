//! Tables for a terminal.

/// Rows under a header, each column as wide as its widest cell.
pub fn columns<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Vec<String> {
    let all: Vec<[String; N]> = std::iter::once(header.map(str::to_owned)).chain(rows).collect();
    let mut widths = [0; N];
    for line in &all {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let join = |cells: &[String; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect::<Vec<_>>();
        padded.join("  ").trim_end().to_owned()
    };
    all.iter().map(join).collect()
}

/// A line that fits, with a mark where it was cut.
pub fn cut(line: &str, width: usize) -> String {
    match line.char_indices().nth(width) {
        Some(_) => line.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
        None => line.to_owned(),
    }
}

/// A table of what comes from outside; with a width, every line is cut to it.
pub fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    width: Option<usize>,
) -> String {
    let shown = rows.into_iter().map(|row| row.map(|cell| sesame_render::escape::visible(&cell)));
    let lines = columns(header, shown);
    lines.into_iter().map(|line| cut(&line, width.unwrap_or(usize::MAX)) + "\n").collect()
}

/// A time to the minute, from ISO 8601.
pub fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_where_the_terminal_ends() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("äöüäöüä", 6), "äöüäö…");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["1".to_owned(), "role app".to_owned()], ["12345678".to_owned(), "x".to_owned()]];
        assert_eq!(columns(["COUNT", "WHO"], rows.into_iter()), ["COUNT     WHO", "1         role app", "12345678  x"]);
    }

    #[test]
    fn a_table_fits_its_width_and_shows_what_steers_a_terminal() {
        let rows = [["1".to_owned(), "a rather long cell".to_owned()], ["22".to_owned(), "\u{1b}[2J\n".to_owned()]];
        assert_eq!(table(["N", "TEXT"], rows.clone(), Some(12)), "N   TEXT\n1   a rathe…\n22  \\u{1b}[…\n");
        assert!(table(["N", "TEXT"], rows, None).contains("\\u{1b}[2J\\n\n"));
    }
}
