namespace Kv.Cli.Calls;

/// <summary>Who asks, for a cluster that wants to know.</summary>
internal sealed record Credentials(string Name, string Password)
{
    /// <summary>Reads <c>NAME:PASSWORD</c>.</summary>
    /// <param name="text">A password may hold colons, a name cannot.</param>
    /// <param name="askPassword">Asked where there is only a name; null when nobody can be asked.</param>
    /// <exception cref="UsageException">There is no name, or no password.</exception>
    public static Credentials Parse(string text, Func<string, string?> askPassword)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string name = colon < 0 ? text : text[..colon];
        if (name.Length == 0)
        {
            throw new UsageException("--user needs a name: give NAME or NAME:PASSWORD.");
        }

        string? password = colon < 0 ? askPassword(name) : text[(colon + 1)..];
        return password is null
            ? throw new UsageException(
                $"--user {name} has no password: give NAME:PASSWORD, or use a terminal.")
            : new Credentials(name, password);
    }

    /// <summary>Not the password: records print themselves.</summary>
    public override string ToString() => Name;
}
