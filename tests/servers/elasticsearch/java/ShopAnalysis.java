import java.util.Map;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.apache.lucene.analysis.ngram.EdgeNGramTokenFilter;
import org.apache.lucene.analysis.pattern.PatternTokenizer;
import org.apache.lucene.analysis.snowball.SnowballFilter;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.IndexSettings;
import org.elasticsearch.index.analysis.AbstractTokenFilterFactory;
import org.elasticsearch.index.analysis.AbstractTokenizerFactory;
import org.elasticsearch.index.analysis.NormalizingTokenFilterFactory;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;

/** The part of Elasticsearch's own analysis module that the shop's mapping uses, over the same Lucene: the module itself is in no jar. */
public final class ShopAnalysis extends Plugin implements AnalysisPlugin {
    @Override
    public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
        return Map.of("pattern", (index, environment, name, settings) -> new Words(index, name, settings));
    }

    @Override
    public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
        return Map.of(
            "asciifolding", (index, environment, name, settings) -> new Folding(name, settings),
            "edge_ngram", (index, environment, name, settings) -> new Beginnings(name, settings),
            "snowball", (index, environment, name, settings) -> new Stemming(name, settings)
        );
    }

    private static final class Words extends AbstractTokenizerFactory {
        private final Pattern pattern;

        Words(IndexSettings index, String name, Settings settings) {
            super(index, settings, name);
            pattern = Pattern.compile(settings.get("pattern", "\\W+"));
        }

        @Override
        public Tokenizer create() {
            return new PatternTokenizer(pattern, -1);
        }
    }

    private static final class Folding extends AbstractTokenFilterFactory implements NormalizingTokenFilterFactory {
        Folding(String name, Settings settings) {
            super(name, settings);
        }

        @Override
        public TokenStream create(TokenStream words) {
            return new ASCIIFoldingFilter(words);
        }
    }

    private static final class Stemming extends AbstractTokenFilterFactory {
        private final String language;

        Stemming(String name, Settings settings) {
            super(name, settings);
            language = settings.get("language", "English");
        }

        @Override
        public TokenStream create(TokenStream words) {
            return new SnowballFilter(words, language);
        }
    }

    private static final class Beginnings extends AbstractTokenFilterFactory {
        private final int shortest;
        private final int longest;

        Beginnings(String name, Settings settings) {
            super(name, settings);
            shortest = settings.getAsInt("min_gram", 1);
            longest = settings.getAsInt("max_gram", 2);
        }

        @Override
        public TokenStream create(TokenStream words) {
            return new EdgeNGramTokenFilter(words, shortest, longest, false);
        }
    }
}
