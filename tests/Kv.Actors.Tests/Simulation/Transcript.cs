using System.Runtime.CompilerServices;

namespace Kv.Actors.Tests.Simulation;

/// <summary>
/// What happened, a line each. Off while seeds are searched: a failed seed is run again with it.
/// </summary>
internal sealed class Transcript(bool isOn, Timeline time)
{
    private readonly List<string> _lines = [];

    internal bool IsOn => isOn;

    internal IReadOnlyList<string> Lines => _lines;

    internal void Add([InterpolatedStringHandlerArgument("")] ref Line line)
    {
        if (isOn)
        {
            _lines.Add($"{time.NowMs,7} ms  {line.ToText()}");
        }
    }

    /// <summary>Text that is made only when the transcript is on.</summary>
    [InterpolatedStringHandler]
    internal ref struct Line
    {
        private DefaultInterpolatedStringHandler _text;

        public Line(int literalLength, int formattedCount, Transcript transcript, out bool isWanted)
        {
            isWanted = transcript.IsOn;
            _text = isWanted ? new DefaultInterpolatedStringHandler(literalLength, formattedCount) : default;
        }

        public void AppendLiteral(string text) => _text.AppendLiteral(text);

        public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

        internal string ToText() => _text.ToStringAndClear();
    }
}
