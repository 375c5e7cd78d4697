namespace Kv.Cli.Output;

internal enum Tone
{
    /// <summary>What the reader did not ask for: orders, counts, (nil).</summary>
    Dim,
    Key,
    Good,
    Bad,
}

/// <summary>Colours text for a terminal that has colours, and leaves it alone for anything else.</summary>
internal sealed class Palette(bool coloured)
{
    /// <param name="tone">What the text is.</param>
    /// <param name="text">Already safe for a terminal.</param>
    public string Paint(Tone tone, string text) =>
        coloured && text.Length > 0 ? $"\e[{Code(tone)}m{text}\e[0m" : text;

    private static int Code(Tone tone) => tone switch
    {
        Tone.Dim => 2,
        Tone.Key => 36,
        Tone.Good => 32,
        Tone.Bad => 31,
        _ => 0,
    };
}
