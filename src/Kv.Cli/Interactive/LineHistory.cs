namespace Kv.Cli.Interactive;

/// <summary>
/// Lines entered before, oldest first, and a place among them for the arrow keys. Bounded: the oldest line
/// goes when a new one finds it full.
/// </summary>
internal sealed class LineHistory
{
    public const int LinesMax = 1_000;

    private readonly List<string> _lines = [];
    private string _draft = "";

    // 0 to _lines.Count; at the count stands the line being written.
    private int _at;

    public IReadOnlyList<string> Lines => _lines;

    /// <summary>Keeps a line, unless it is blank or the same as the last one, and goes behind it.</summary>
    /// <returns>Whether it was kept.</returns>
    public bool Add(string line)
    {
        bool isNew = !string.IsNullOrWhiteSpace(line) && (_lines.Count == 0 || _lines[^1] != line);
        if (isNew)
        {
            _lines.Add(line);
            _lines.RemoveRange(0, Math.Max(0, _lines.Count - LinesMax));
        }

        _at = _lines.Count;
        return isNew;
    }

    /// <summary>Goes behind the newest line, as every new line begins.</summary>
    public void Rewind() => _at = _lines.Count;

    /// <summary>The line before the place; null at the oldest.</summary>
    /// <param name="current">
    /// What stands in the editor: what is being written is kept for the way back.
    /// </param>
    public string? Previous(string current)
    {
        if (_at == 0)
        {
            return null;
        }

        if (_at == _lines.Count)
        {
            _draft = current;
        }

        return _lines[--_at];
    }

    /// <summary>
    /// The line after the place, in the end the one that was being written; null at that one.
    /// </summary>
    public string? Next()
    {
        if (_at == _lines.Count)
        {
            return null;
        }

        return ++_at == _lines.Count ? _draft : _lines[_at];
    }
}
