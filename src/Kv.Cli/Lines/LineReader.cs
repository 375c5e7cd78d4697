using System.Text;

namespace Kv.Cli.Lines;

/// <summary>Lines of a text stream, each of bounded length.</summary>
internal sealed class LineReader(TextReader reader)
{
    /// <summary>Longest line, characters: above the server's largest request (1.5 MiB).</summary>
    public const int LineCharsMax = 4 * 1024 * 1024;

    private readonly char[] _buffer = new char[16 * 1024];
    private int _start;
    private int _end;

    /// <summary>How many lines were begun so far.</summary>
    public int LinesRead { get; private set; }

    /// <summary>The next line without its end; null at the end of the stream.</summary>
    /// <exception cref="UsageException">
    /// The line is too long; reading may go on with the one after it.
    /// </exception>
    public async Task<string?> ReadAsync()
    {
        var line = new StringBuilder();
        bool tooLong = false;
        bool anything = false;
        while (true)
        {
            if (_start == _end)
            {
                (_start, _end) = (0, await reader.ReadAsync(_buffer));
                if (_end == 0)
                {
                    return anything ? Finish(line, tooLong) : null;
                }
            }

            LinesRead += anything ? 0 : 1;
            anything = true;
            int length = _buffer.AsSpan(_start, _end - _start).IndexOf('\n');
            int take = length < 0 ? _end - _start : length;
            tooLong |= line.Length + take > LineCharsMax;
            if (!tooLong)
            {
                line.Append(_buffer, _start, take);
            }

            _start += take;
            if (length >= 0)
            {
                _start++;
                return Finish(line, tooLong);
            }
        }
    }

    private static string Finish(StringBuilder line, bool tooLong) => tooLong
        ? throw new UsageException($"the line is longer than {LineCharsMax} characters.")
        : line.ToString().TrimEnd('\r');
}
