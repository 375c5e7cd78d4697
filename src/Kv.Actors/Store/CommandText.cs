using System.Text;
using Kv.Core.Entries;

namespace Kv.Actors.Store;

/// <summary>Commands as log lines show them.</summary>
internal static class CommandText
{
    /// <summary>Longest key shown, characters: a log line is no place for a large key.</summary>
    private const int KeyCharsMax = 256;

    /// <summary>Name and key of a client's command; null for the log's own.</summary>
    internal static (string Name, string Key)? Describe(Command command) => command switch
    {
        Command.Set set => ("SET", Key(set.Key)),
        Command.Get get => ("GET", Key(get.Key)),
        Command.Del del => ("DEL", Key(del.Key)),
        Command.Print => ("PRINT", ""),
        _ => null,
    };

    private static string Key(ReadOnlyMemory<byte> key)
    {
        string text = Encoding.UTF8.GetString(key.Span[..Math.Min(key.Length, KeyCharsMax)]);
        // A client chooses the key: it must not write lines of its own or steer a terminal.
        string line = text.Any(char.IsControl) ? string.Concat(text.Select(Escape)) : text;
        return key.Length > KeyCharsMax ? line + "…" : line;
    }

    private static string Escape(char character) =>
        char.IsControl(character) ? $@"\u{(int)character:x4}" : character.ToString();
}
